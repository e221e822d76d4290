#pragma once

#include <cstdint>

#include "base/time.h"
#include "sessions/binding.h"
#include "sessions/memory_store.h"

namespace holdfast::sessions {

/// One thing done to a session of a memory store, as it can be said to another process.
struct SessionChange {
  enum class Kind : std::uint8_t { Bind, Learn, Move, Forget, MarkEnded, CookieIssued };
  Kind kind = Kind::Bind;
  Key key;
  Binding known;                     ///< Bind: what is wanted. Move: what was seen. MarkEnded: a generation it had.
  BackendTag to = BackendTag::None;  ///< Learn, Move.
  bool operator==(const SessionChange&) const = default;
};

/// Does it, and returns what holds then; nothing for what binds nothing.
inline BindResult apply(MemoryStore& memory, const SessionChange& change, base::Instant now) {
  switch (change.kind) {
    case SessionChange::Kind::Bind:
      return memory.bind(change.key, change.known, now);
    case SessionChange::Kind::Learn:
      return memory.learn(change.key, change.to, now);
    case SessionChange::Kind::Move:
      return memory.move(change.key, change.known, change.to, now);
    case SessionChange::Kind::Forget:
      memory.end(change.key);
      break;
    case SessionChange::Kind::MarkEnded:
      memory.mark_ended(change.key, change.known.generation, now);
      break;
    case SessionChange::Kind::CookieIssued:
      memory.cookie_issued(change.key, now);
      break;
  }
  return {};
}

}  // namespace holdfast::sessions
