#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/scheduler.h"
#include "redis/redis.h"
#include "sessions/copy_lease.h"
#include "sessions/memory_store.h"
#include "sessions/open_questions.h"
#include "sessions/redis_scripts.h"
#include "sessions/redis_text.h"
#include "sessions/session_usage.h"

namespace holdfast::sessions {

/// Keeps this process's copies true to the map in Redis: applies moves and ends, invalidates every copy after a gap in
/// the news, offers the doubtful ones (so that what was decided while Redis was away, or what a restarted Redis has
/// lost, gets there), sends acks for the updates it gets, and counts the sessions of each backend over all proxies.
///
/// One per process, on the control loop; all references outlive it.
class SharedMap final : public redis::RedisListener {
 public:
  /// The backends whose sessions are counted and offered.
  struct Pool {
    std::string name;
    std::vector<BackendTag> backends;
  };

  SharedMap(MemoryStore& copies, CopyLease& copy_lease, redis::Redis& redis, base::Scheduler& scheduler,
            RedisNames names, base::Duration idle_timeout);
  ~SharedMap() override;

  /// The channels to be subscribed: the news, and our own.
  std::vector<std::string> channels() const { return {scripts_.names().news(), own_channel_}; }

  void set_pools(std::vector<Pool> pools);
  /// A link to Redis has come up, a worker's or ours: while it was away, copies were made that nobody knows of.
  void on_link_up();
  /// An orderly stop: nobody need wait for acks of ours.
  void leave();

  // Of channels().
  void on_message(std::string_view channel, std::string_view payload) override;
  void on_subscribed() override;
  void on_lost(const redis::RedisState& state) override;

  /// Over all proxies, as of the last count; nullopt while there is none to rely on.
  std::optional<std::uint64_t> size_of(BackendTag backend) const;
  /// The same in more words.
  std::optional<SessionUsage> usage_of(BackendTag backend) const;
  /// There is a count to rely on.
  bool has_counted() const { return counted_ != base::Instant{} && scheduler_.now() - counted_ <= kCountGoodFor; }
  /// Copies are being offered: the map is not whole yet.
  bool is_catching_up() const { return walk_.has_value(); }

  static constexpr base::Duration kHeartbeat = std::chrono::seconds{1};
  static constexpr base::Duration kLease = std::chrono::seconds{3};
  static constexpr base::Duration kCountGoodFor = std::chrono::seconds{5};

 private:
  class Offer;
  struct Heartbeat {
    std::uint64_t number = 0;
    base::Instant asked{};
  };
  void heartbeat();
  void on_own_word(std::string_view payload);
  void send_ack(const AckAddress& to);
  void invalidate_and_offer();
  void offer_some();
  void offer(const Session& session, const std::string& pool);
  void on_offered();
  void count_all();
  void count(const Pool& pool, std::size_t from);
  void on_counted(const std::vector<BackendTag>& tags, const base::Result<std::vector<SessionUsage>>& usages);

  MemoryStore& copies_;
  CopyLease& copy_lease_;
  base::Scheduler& scheduler_;
  RedisScripts scripts_;
  const std::string own_channel_;
  std::uint64_t last_heartbeat_ = 0;
  std::array<Heartbeat, 4> heartbeats_{};  // those that may still come back, by number
  std::vector<Pool> pools_;
  std::unordered_map<BackendTag, std::size_t> pool_of_;  // index into pools_
  bool is_subscribed_ = false;
  std::optional<MemoryStore::Walk> walk_;  // where the next offers come from
  bool walk_again_ = false;                // invalidated again while a walk was under way
  OpenQuestions offers_;
  std::unordered_map<BackendTag, SessionUsage> counts_;
  std::vector<RedisScripts::Call> counting_;
  base::Instant counted_{};
  std::unique_ptr<base::Timer> heartbeat_timer_;
  std::unique_ptr<base::Timer> offer_timer_;
  std::unique_ptr<base::Timer> count_timer_;
};

}  // namespace holdfast::sessions
