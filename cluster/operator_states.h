#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/scheduler.h"
#include "cluster/operator_book.h"
#include "cluster/operator_file.h"
#include "cluster/order_codec.h"
#include "cluster/replicated_map.h"
#include "redis/redis.h"

namespace holdfast::cluster {

/// Keeps what operators have ordered: in the file always, and in Redis where there is one, so that all proxies obey.
/// Turns a drain into a maintenance at its deadline. Lives on the control loop.
class OperatorStates final : private ReplicatedMap<OrderCodec>::Copy {
 public:
  class Listener {
   public:
    Listener() = default;
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    virtual ~Listener() = default;
    /// What now holds for the backend, its deadline considered. Not each is news.
    virtual void on_order(std::string_view backend, const health::OperatorOrder& order) = 0;
  };

  /// References outlive it; `redis` is null where none is configured.
  OperatorStates(std::string_view state_dir, base::Scheduler& scheduler, redis::Redis* redis, std::string_view prefix,
                 Listener& listener);

  /// Reads the file; a broken one is logged and set aside.
  void load();
  /// Holds at once, here; elsewhere as soon as Redis has it. An error says that it is not on disk: it is lost with this
  /// process, unless Redis has it.
  base::Result<void> set(std::string_view backend, health::OperatorState state, std::string_view by,
                         std::optional<base::Duration> deadline);

  /// Tells the listener of every backend again: there may be others now.
  void repeat();

  /// What Redis has counted the changes up to; reads them if that is news.
  void on_version(std::uint64_t version) { map_.on_version(version); }
  /// The link was down, or messages may have been missed: all is to be read, whatever the version.
  void on_reconnected() { map_.on_gap(); }
  /// Deadlines may have passed.
  void on_tick(base::WallTime now);

  const OperatorBook& book() const { return book_; }
  /// Redis' count of the changes that we have read up to.
  std::uint64_t version() const { return map_.version(); }
  /// Ordered here and not confirmed by Redis.
  std::size_t unconfirmed() const { return map_.unconfirmed(); }

 private:
  struct Timed {
    health::OperatorOrder order;
    base::Instant due;  // its deadline, by a clock that nobody sets
  };

  // ReplicatedMap::Copy
  std::optional<health::OperatorOrder> find(const std::string& backend) const override;
  std::vector<std::string> keys() const override;
  bool adopt(const std::string& backend, const health::OperatorOrder& order) override;
  void on_adopted() override { static_cast<void>(save()); }

  void notify(std::string_view backend);
  base::Result<void> save();

  const OperatorFile file_;
  base::Scheduler& scheduler_;
  Listener& listener_;
  OperatorBook book_;
  std::optional<base::Instant> save_again_;          // the file is behind the book
  std::map<std::string, Timed, std::less<>> timed_;  // drains that have a deadline
  ReplicatedMap<OrderCodec> map_;
};

}  // namespace holdfast::cluster
