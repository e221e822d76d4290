#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/scheduler.h"
#include "redis/redis.h"
#include "sessions/acks.h"
#include "sessions/copy_lease.h"
#include "sessions/open_questions.h"
#include "sessions/redis_scripts.h"
#include "sessions/registry.h"

namespace holdfast::sessions {

/// The sessions of all proxies, in Redis. What it changes reaches everybody's copies as news, ours too; an order is
/// done when all have confirmed that, or have had [redis] timeout (`patience`) to do so. References outlive it.
class RedisRegistry final : public Registry {
 public:
  struct Options {
    RedisNames names;
    base::Duration idle_timeout{};
    base::Duration patience = std::chrono::milliseconds{100};
  };
  RedisRegistry(redis::Redis& redis, CopyLease& copy_lease, base::Scheduler& scheduler, const Options& options);

  void list(const std::string& pool, const std::vector<BackendTag>& backends, std::size_t limit,
            Done<std::vector<Listed>> done) override;
  void find(const std::string& pool, const Key& key, Done<std::optional<Listed>> done) override;
  void move(const std::string& pool, const Key& key, BackendTag to, Done<Effect> done) override;
  void end(const std::string& pool, const Key& key, Done<Effect> done) override;
  void clear(const std::string& pool, BackendTag backend, const std::vector<BackendTag>& to,
             Done<Effect> done) override;

 private:
  template <class T>
  class Lookup;
  class Order;
  /// Asks for the change; its reply goes to `done`.
  using MembershipChange = std::function<RedisScripts::Call(const RedisScripts::AckAddress& acks,
                                                            RedisScripts::Done<RedisScripts::Changed> done)>;
  struct Outcome {
    RedisScripts::Changed changed;
    Acked acked = Acked::ByAll;
  };
  void carry_out(const MembershipChange& change, Done<Outcome> done);
  void clear_some(const std::string& pool, BackendTag backend, const std::vector<BackendTag>& to, Effect so_far,
                  Done<Effect> done);

  RedisScripts scripts_;
  Acks acks_;
  OpenQuestions questions_;
};

}  // namespace holdfast::sessions
