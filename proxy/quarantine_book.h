#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "conf/settings.h"
#include "proxy/quarantine.h"

namespace holdfast::proxy {

/// Who was in flight when backends died, and who is quarantined for it. The rules are in docs/guards.md. Pure.
///
/// A crash has one plain suspect if, of all that it has lost, one request alone is of a kind that nobody has ever been
/// answered: that is quarantined after `crashes_alone` such crashes, for who has asked it. Every request is, for
/// everybody, that was there at `crashes` of them, within the window, with no response to it between.
class QuarantineBook {
 public:
  static constexpr std::size_t kSuspectsMax = 10'000;  ///< Above it the oldest are forgotten, some at a time.
  static constexpr std::size_t kQuarantinedMax = 1'000;

  struct Entry {
    Fingerprint fingerprint;
    std::string pool;
    std::string backend;  ///< The last it was lost with.
    std::string method;
    std::string path;
    std::uint32_t crashes = 0;
    std::uint64_t crash_number = 0;  ///< The last it was counted for.
    base::Instant last{};
    base::WallTime since{};  ///< In quarantine.
    base::Instant until{};
    bool is_quarantined = false;
  };
  struct Crash {
    std::string_view pool;
    std::string_view backend;
    const conf::Quarantine& rules;
    std::uint64_t crash_number = 0;  ///< Its number, from 1: what comes late has that of the others.
    bool is_whole = true;            ///< False: of one that was judged before, these have come late.
    base::Instant now;
    base::WallTime wall{};
  };

  /// Answers who is quarantined from now on.
  std::vector<Entry> on_crash(const Crash& crash, std::span<const LostRequest> lost);
  /// A backend has answered it and lives. True: it was suspect.
  bool on_answered(const Fingerprint& fingerprint);
  /// The quarantined of that id, and all else that is known of the same request. Answers those that were quarantined.
  std::vector<Entry> release(std::uint64_t id);
  /// Another proxy has quarantined it. False: it is so here already, and as long.
  bool adopt(Entry entry);
  /// Answers whose quarantine is over.
  std::vector<Entry> expire(base::Instant now);

  /// By id.
  const std::map<std::uint64_t, Entry>& entries() const { return entries_; }
  std::size_t quarantined() const { return quarantined_; }

 private:
  enum class Room : std::uint8_t { Suspect, Quarantined };
  void make_room(Room wanted);
  /// True: it is quarantined.
  bool note(const Crash& crash, const LostRequest& lost, const Fingerprint& fingerprint, std::vector<Entry>& fresh);

  std::map<std::uint64_t, Entry> entries_;
  std::size_t quarantined_ = 0;
};

}  // namespace holdfast::proxy
