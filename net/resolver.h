#pragma once

#include <functional>
#include <memory>

#include "base/scheduler.h"
#include "net/address.h"

namespace holdfast::net {

/// A name being looked up. Destroying it cancels: the callback never comes.
class Lookup : public base::Buried {};

/// Finds addresses of host names without blocking the loop.
class Resolver {
 public:
  using Done = std::function<void(base::Result<Address>)>;
  Resolver() = default;
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  virtual ~Resolver() = default;
  /// `done` is called exactly once, never from inside lookup(), unless the handle is destroyed first. A literal address
  /// needs nobody. Errors: Unreachable (no such host), Timeout,
  /// Overload (too many under way).
  virtual std::unique_ptr<Lookup> lookup(const conf::Endpoint& endpoint, base::Duration timeout, Done done) = 0;
};

/// The system's resolver (/etc/hosts, DNS, whatever nsswitch.conf says), which blocks, and so is asked in a thread of
/// its own for each name. A lookup that is given up leaves its thread to finish by itself; kThreadsMax bounds how many
/// there are in the process. The scheduler outlives it.
class SystemResolver final : public Resolver {
 public:
  explicit SystemResolver(base::Scheduler& scheduler) : scheduler_(scheduler) {}
  std::unique_ptr<Lookup> lookup(const conf::Endpoint& endpoint, base::Duration timeout, Done done) override;

  static constexpr int kThreadsMax = 16;  ///< Beyond: Overload.

 private:
  base::Scheduler& scheduler_;
};

}  // namespace holdfast::net
