#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/scheduler.h"
#include "redis/redis.h"

namespace holdfast::cluster {

/// Sends the other proxies what was put in quarantine and what was released, and receives it from them. Texts are the
/// owner's; here they are only passed on and kept: in a hash in Redis, so that who starts later knows them, too.
///
/// Of each channel's messages nothing is missed between on_subscribed and on_lost; after a gap all is read again, and
/// what was released meanwhile stays until its time is over. Lives on the control loop.
class QuarantineShare final : public redis::RedisListener {
 public:
  class Listener {
   public:
    Listener() = default;
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    virtual ~Listener() = default;
    /// Our own come back, too. False: it is of no use any more, and Redis need not keep it.
    virtual bool on_shared(std::string_view id, std::string_view text) = 0;
    virtual void on_released(std::string_view id) = 0;
    /// What Redis may have missed is to be put again.
    virtual void on_shared_again() = 0;
  };

  /// All references outlive it.
  QuarantineShare(redis::Redis& redis, base::Scheduler& scheduler, std::string_view prefix, Listener& listener);

  const std::string& channel() const { return key_; }
  /// `id` is one word.
  void put(std::string_view id, std::string_view text, base::Duration life);
  void release(std::string_view id);
  /// Its time is over: all know, and Redis need not keep it.
  void forget(std::string_view id);

  void on_message(std::string_view channel, std::string_view payload) override;
  void on_subscribed() override;
  void on_lost(const redis::RedisState&) override { wants_all_ = false; }
  /// Once a second.
  void on_tick();

 private:
  void read_all();
  void on_all(const redis::RedisReply& reply);

  redis::Redis& redis_;
  base::Scheduler& scheduler_;
  const std::string key_;  // the channel's name as well
  Listener& listener_;
  std::unique_ptr<redis::RedisCall> reading_;
  bool wants_all_ = false;  // what the hash holds has still to be read
};

}  // namespace holdfast::cluster
