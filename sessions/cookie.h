#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "conf/settings.h"
#include "sessions/key.h"
#include "sessions/keyring.h"

namespace holdfast::sessions {

/// 128 random bits: what our own cookie names a session by.
using SessionId = std::array<std::uint8_t, 16>;

/// Our own cookie, opened: all that is needed to route when the map has forgotten the session.
struct Ticket {
  SessionId id{};
  BackendTag backend = BackendTag::None;
  Generation generation = Generation::None;
  base::WallTime issued{};  ///< To the second.
};

/// What a ticket stands for. One is never taken for the other.
enum class TicketKind : std::uint8_t {
  Own = 1,        ///< Our own cookie: the id is the session.
  Companion = 2,  ///< It goes with a session id of the app: believed for that one only. The id is its key.
};

/// "version | id | backend tag | generation | issued | MAC" in base64url: opaque, fixed length, no padding.
/// The MAC (keyed, over all before it and the pool-independent label) is made with the keyring's secret.
std::string seal(const Ticket& ticket, const Keyring& keyring, TicketKind kind = TicketKind::Own);

/// What a companion of this session has as its id.
SessionId companion_id(const Key& key);

/// What a ticket claims, without looking at the MAC. The id is enough to ask the map, because 128 random bits cannot be
/// guessed.
struct Claim {
  SessionId id{};
  Generation generation = Generation::None;
  base::WallTime issued{};
};
/// nullopt when the text has not the form of our cookie, as far as that shows in its length and its first characters.
/// No allocation, no MAC.
std::optional<Claim> peek(std::string_view cookie, TicketKind kind = TicketKind::Own);

/// The last cookie of ours that came by a connection: a browser shows the same one with each request, which then costs
/// a comparison instead of decoding and hashing. Part of the connection.
class LastCookie {
 public:
  struct Session {
    SessionId id{};
    Generation claimed = Generation::None;  ///< Whether that is true open() knows.
    Key key;
  };
  /// What peek() says, and the key the map knows that session of `pool` by. Good until the next call; nullptr: it
  /// has not the form of our cookie.
  const Session* read(std::string_view cookie, const conf::Pool& pool, const Keyring& keyring);

 private:
  static constexpr std::size_t kRead = 44;  // characters; what follows is not for peek()

  std::array<char, kRead> read_{};  // not of our form: none yet
  conf::PoolId pool_{};
  Session session_;
};

/// The whole ticket, only if the MAC is right (compared in constant time).
std::optional<Ticket> open(std::string_view cookie, const Keyring& keyring, TicketKind kind = TicketKind::Own);

}  // namespace holdfast::sessions
