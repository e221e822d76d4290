#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"
#include "sessions/memory_store.h"
#include "sessions/session_change.h"

/// What the two processes of an upgrade say to each other, as bytes and back (docs/upgrade.md). Pure.
///
/// Both run on one machine, but not from one build: a change here needs another kVersion.
namespace holdfast::server::upgrade {

inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::size_t kSessionsPerMessage = 512;

// The old process says:

/// First, at once.
struct Hello {
  std::uint32_t version = kVersion;
  base::Instant store_start{};  ///< No session's times are earlier.
  std::uint32_t sockets = 0;    ///< So many PassedSocket follow.
  bool operator==(const Hello&) const = default;
};
/// The socket comes along.
struct PassedSocket {
  enum class Use : std::uint8_t { Clients, Admin };
  Use use = Use::Clients;
  std::string address;  ///< As the configuration has it.
  bool operator==(const PassedSocket&) const = default;
};
/// Some of its sessions, in any order.
struct SessionBatch {
  std::vector<sessions::SessionRecord> sessions;
  bool operator==(const SessionBatch&) const = default;
};
/// That was all.
struct AllSent {
  bool operator==(const AllSent&) const = default;
};
/// It accepts no more: begin.
struct Begin {
  bool operator==(const Begin&) const = default;
};
/// A client that it still serves needs the session map.
struct Ask {
  std::uint64_t number = 0;
  sessions::SessionChange change;
  bool operator==(const Ask&) const = default;
};

// The new process says:

/// It has looked at the backends, and could serve.
struct Ready {
  std::vector<std::string> unclaimed;  ///< Addresses of passed sockets that its configuration does not have.
  bool operator==(const Ready&) const = default;
};
/// It cannot start.
struct Failed {
  std::string reason;
  bool operator==(const Failed&) const = default;
};
/// It has all sessions.
struct Taken {
  bool operator==(const Taken&) const = default;
};
struct Told {
  std::uint64_t number = 0;  ///< Of the Ask.
  sessions::BindResult holds;
  bool operator==(const Told& other) const {
    return number == other.number && holds.binding() == other.holds.binding() && holds.is_ours == other.holds.is_ours;
  }
};
/// It was told to open its logs anew.
struct ReopenLogs {
  bool operator==(const ReopenLogs&) const = default;
};

using Message =
    std::variant<Hello, PassedSocket, SessionBatch, AllSent, Begin, Ask, Ready, Failed, Taken, Told, ReopenLogs>;

/// Texts longer than 1000 bytes are cut.
std::string bytes_of(const Message& message);
/// nullopt: not of our making.
std::optional<Message> message_of(std::string_view bytes);

}  // namespace holdfast::server::upgrade
