#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/scheduler.h"
#include "cluster/replicated_map.h"
#include "proxy/quarantine_book.h"
#include "redis/redis.h"

namespace holdfast::server {

/// A request's id as people and other proxies see it: 16 hex digits.
std::string id_text(std::uint64_t id);

/// Quarantined requests in Redis: a hash of id -> entry, as long as the last of them. The longer quarantine holds.
class QuarantineCodec {
 public:
  using Value = proxy::QuarantineBook::Entry;

  QuarantineCodec(base::Scheduler& scheduler, std::string_view prefix);

  const std::string& hash() const { return key_; }
  std::string text_of(const Value& entry) const;
  /// nullopt also when it is over.
  std::optional<Value> parse(std::string_view text) const;
  bool is_later(const Value& ours, const Value& theirs) const { return ours.until > theirs.until; }
  void on_unreadable(redis::Redis& redis, const std::string& id) const { forget(redis, id); }
  std::unique_ptr<redis::RedisCall> put(redis::Redis& redis, const std::string& id, const cluster::Sent<Value>& entry,
                                        cluster::Put how, redis::Redis::Done done) const;
  /// All others are to release it.
  void release(redis::Redis& redis, const std::string& id) const;
  /// Its time is over, which all know by themselves.
  void forget(redis::Redis& redis, const std::string& id) const;

 private:
  base::Scheduler& scheduler_;
  std::string key_;  // the channel's name as well
};

/// Tells the other proxies what was put in quarantine and what was released, and brings the same of them into the book.
/// In Redis it is kept for those that start later.
///
/// After a gap in the messages all is read again; what was released meanwhile stays until its time is over. Owned by
/// QuarantineControl, on the control loop; references outlive it. It is the listener of channel().
class QuarantineShare final : public redis::RedisListener, private cluster::ReplicatedMap<QuarantineCodec>::Copy {
 public:
  class Owner {
   public:
    Owner() = default;
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;
    virtual ~Owner() = default;
    /// The book has it from another proxy.
    virtual void on_shared(const proxy::QuarantineBook::Entry& entry) = 0;
    /// Another proxy has released it; the book still has it. Our own come back, too.
    virtual void on_released(std::string_view id) = 0;
  };
  using Entry = proxy::QuarantineBook::Entry;

  QuarantineShare(redis::Redis& redis, base::Scheduler& scheduler, std::string_view prefix, proxy::QuarantineBook& book,
                  Owner& owner);

  const std::string& channel() const { return codec_.hash(); }
  /// The book has it since now.
  void put(const Entry& entry);
  /// The book has it no longer: an operator wants it so.
  void release(const Entry& entry);
  /// The book has it no longer: its time is over.
  void forget(const Entry& entry);
  /// Once a second.
  void on_tick();

  // Of channel().
  void on_message(std::string_view channel, std::string_view payload) override;
  void on_subscribed() override;
  void on_lost(const redis::RedisState&) override { is_subscribed_ = false; }

 private:
  // ReplicatedMap::Copy
  std::optional<Entry> find(const std::string& id) const override;
  std::vector<std::string> keys() const override;
  bool adopt(const std::string& id, const Entry& entry) override;

  redis::Redis& redis_;
  base::Scheduler& scheduler_;
  const QuarantineCodec codec_;
  proxy::QuarantineBook& book_;
  Owner& owner_;
  cluster::ReplicatedMap<QuarantineCodec> map_;
  bool is_subscribed_ = false;
};

}  // namespace holdfast::server
