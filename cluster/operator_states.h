#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/scheduler.h"
#include "cluster/keys.h"
#include "cluster/operator_book.h"
#include "cluster/operator_file.h"
#include "redis/redis.h"

namespace holdfast::cluster {

/// Keeps what operators have said: in the file always, and in Redis where there is one, so that all proxies obey.
///
/// Redis' word holds for what Redis knows. What it has not confirmed yet (said while it was away, or read from the file
/// at the start) is offered to it: there the later of the two orders stays. Lives on the control loop.
class OperatorStates {
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
  void on_version(std::uint64_t version);
  /// The link was down, or messages may have been missed: read all, whatever the version.
  void on_reconnected();
  /// Deadlines may have passed.
  void on_tick(base::WallTime now);

  const OperatorBook& book() const { return book_; }
  /// Redis' count of the changes that we have read up to.
  std::uint64_t version() const { return version_.value_or(0); }
  /// Said here and not confirmed by Redis.
  std::size_t unconfirmed() const { return redis_ == nullptr ? 0 : unconfirmed_.size(); }

 private:
  enum class Put : std::uint8_t { Now, Offer };
  void read_all();
  void read_rest();
  void on_all(const redis::RedisReply& reply);
  void adopt(std::string_view backend, const health::OperatorOrder& order);
  void offer_rest();
  void put(const std::string& backend, Put how);
  void on_put(const std::string& backend, const health::OperatorOrder& sent, const redis::RedisReply& reply);
  void notify(std::string_view backend);
  base::Result<void> save();
  void forget_call(const redis::RedisCall* call);

  const OperatorFile file_;
  base::Scheduler& scheduler_;
  redis::Redis* redis_;
  const Keys keys_;
  Listener& listener_;
  OperatorBook book_;
  std::optional<base::Instant> save_again_;  // the file is behind the book
  std::set<std::string, std::less<>> unconfirmed_;
  struct Timed {
    health::OperatorOrder order;
    base::Instant due;  // its deadline, by a clock that nobody sets
  };
  std::map<std::string, Timed, std::less<>> timed_;  // drains that have one
  std::optional<std::uint64_t> version_;             // up to which we have read
  std::uint64_t wanted_ = 0;                         // up to which there is something to be read
  std::uint64_t reading_version_ = 0;
  std::unique_ptr<redis::RedisCall> reading_;
  std::vector<std::unique_ptr<redis::RedisCall>> puts_;
};

}  // namespace holdfast::cluster
