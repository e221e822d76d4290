#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string_view>

#include "base/time.h"
#include "sessions/key.h"

namespace holdfast::sessions {

/// Why a session is where it is: its last move, as the proxy that made it knows it.
struct Move {
  BackendTag from = BackendTag::None;  ///< None: not known.
  std::string_view reason;             ///< A word; lives for ever.
  base::WallTime at{};
};

/// The last moves that this process has made, for people who ask after one. Bounded: when a backend with more users
/// dies, the first of them are forgotten. Any thread.
class MoveLog {
 public:
  static constexpr std::size_t kMovesMax = 10'000;  // about 120 bytes each

  void note(const Key& key, const Move& move);
  std::optional<Move> last(const Key& key) const;

 private:
  mutable std::mutex mutex_;
  std::map<Key, Move> moves_;
  std::deque<Key> order_;  // of the keys in moves_, the one first noted longest ago in front
};

}  // namespace holdfast::sessions
