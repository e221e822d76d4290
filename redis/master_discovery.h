#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "net/resolver.h"
#include "redis/wire.h"

namespace holdfast::redis {

/// Finds where the Redis master is now: the configured address, or what the sentinels say, asked one after the other.
/// One search at a time. Nobody vouches for the response: whoever connects there asks for its role.
class MasterDiscovery final : private RedisWire::Owner {
 public:
  using Done = std::function<void(base::Result<net::Address>)>;

  /// The scheduler, dialer, resolver and settings outlive it. `done` is called once for each seek() that is not
  /// cancelled, never from inside seek().
  MasterDiscovery(base::Scheduler& scheduler, net::Dialer& dialer, net::Resolver& resolver, const conf::Redis& redis,
                  Done done);
  ~MasterDiscovery() override;

  void seek();
  void cancel();
  /// What was found last did not do: another sentinel is asked first the next time.
  void distrust();

  static constexpr base::Duration kSentinelPatience = std::chrono::milliseconds{500};  ///< For each, all in all.
  static constexpr base::Duration kLookupPatience = std::chrono::seconds{2};           ///< For a host name.

 private:
  void ask_next();
  void on_sentinel_found(base::Result<net::Address> found);
  void on_sentinel_dialled(base::Result<std::unique_ptr<net::Stream>> dialled);
  void on_wire_reply(RedisReply reply) override;
  void on_wire_broken(const base::Error& error) override;
  void on_sentinel_failed(std::string_view why);
  void on_due();
  void look_up(const conf::Endpoint& endpoint);
  void finish(base::Result<net::Address> result);
  void drop_steps();

  base::Scheduler& scheduler_;
  net::Dialer& dialer_;
  net::Resolver& resolver_;
  const conf::Redis& redis_;
  Done done_;
  std::size_t first_ = 0;  // of redis_.sentinels: who is asked first
  std::size_t asked_ = 0;  // in this search
  std::string last_failure_;
  base::Error outcome_;  // of a search that needs nobody and failed
  std::unique_ptr<base::Timer> timer_;
  std::unique_ptr<net::Lookup> lookup_;
  std::unique_ptr<net::Dial> dial_;
  std::unique_ptr<RedisWire> wire_;
};

}  // namespace holdfast::redis
