#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"
#include "sessions/key.h"

namespace holdfast::sessions {

/// Which backend a session belongs to, as of `generation`.
struct Binding {
  BackendTag backend = BackendTag::None;
  Generation generation = Generation::None;
  bool operator==(const Binding&) const = default;
};

/// What the map answers to a hit.
struct Found {
  Binding binding;
  base::Instant cookie_issued{};  ///< When our cookie was last given out for it (mode cookie only).
};

/// The session map. Shared by all workers: every function may be called from any thread and is atomic by itself.
class Store {
 public:
  Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  virtual ~Store() = default;

  /// A hit counts as use at `now` (idle expiry starts again). An expired session is not found. No allocation.
  virtual std::optional<Found> find(const Key& key, base::Instant now) = 0;

  /// The atomic first binding (R4a): binds `key` to `wanted` unless it is bound already; answers what holds now.
  /// `wanted.generation` is kept when given (a cookie remembers it), else the binding starts at 1.
  virtual Binding bind(const Key& key, const Binding& wanted, base::Instant now) = 0;

  /// Compare-and-set (R4): if the session is still at `seen`, it moves to `to` with the next generation.
  /// Answers what holds now: the caller adopts it, whether it won or lost. A forgotten session is bound afresh to
  /// `to` with seen.generation + 1.
  virtual Binding move(const Key& key, const Binding& seen, BackendTag to, base::Instant now) = 0;

  /// Our cookie for this session was given out anew.
  virtual void cookie_issued(const Key& key, base::Instant now) = 0;

  /// Forgets the session (the app ended it).
  virtual void end(const Key& key) = 0;

  /// Live sessions in all, and of one backend. Costs a lock, not a walk; not for the data path.
  virtual std::uint64_t size() const = 0;
  virtual std::uint64_t size_of(BackendTag backend) const = 0;
};

}  // namespace holdfast::sessions
