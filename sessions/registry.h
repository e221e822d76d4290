#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "sessions/acks.h"
#include "sessions/binding.h"

namespace holdfast::sessions {

/// One session as operators see it.
struct Listed {
  Key key;
  Binding binding;
  base::WallTime created{};
  base::WallTime last_used{};
};

/// What an order came to.
struct Effect {
  std::uint64_t sessions = 0;  ///< How many it concerned; 0: there was no such session.
  Acked acked = Acked::ByAll;
};

/// What operators do with sessions, on all proxies at once: the next request anywhere obeys. Lives on the control loop.
///
/// Each `done` is called exactly once, perhaps from inside the call. Errors: Unavailable (Redis is away: nothing was
/// done), Timeout (it may have been).
class Registry {
 public:
  template <class T>
  using Done = std::function<void(base::Result<T>)>;

  Registry() = default;
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;
  virtual ~Registry() = default;

  /// Up to `limit` sessions of these backends of `pool`, each backend's most recently used first.
  virtual void list(const std::string& pool, const std::vector<BackendTag>& backends, std::size_t limit,
                    Done<std::vector<Listed>> done) = 0;
  /// nullopt: there is no such session (any more).
  virtual void find(const std::string& pool, const Key& key, Done<std::optional<Listed>> done) = 0;
  /// Binds it to `to`, wherever it was.
  virtual void move(const std::string& pool, const Key& key, BackendTag to, Done<Effect> done) = 0;
  /// Ends it; its cookie does not bring it back.
  virtual void end(const std::string& pool, const Key& key, Done<Effect> done) = 0;
  /// All sessions of a backend: spread over `to`, or ended where that is empty.
  virtual void clear(const std::string& pool, BackendTag backend, const std::vector<BackendTag>& to,
                     Done<Effect> done) = 0;
};

}  // namespace holdfast::sessions
