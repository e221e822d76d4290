#pragma once

#include <array>
#include <cstdint>

#include "base/result.h"
#include "base/time.h"
#include "conf/settings.h"
#include "http/head.h"

namespace holdfast::proxy {

/// An attempt to have a request answered by one backend, which has just failed.
struct FailedAttempt {
  enum class Stage : std::uint8_t {
    Connecting,            ///< No connection yet: refused, unreachable, TLS not agreed.
    ConnectedNothingSent,  ///< No byte of the request was given to the system to send.
    PartlySent,            ///< Some bytes, not all: the backend may have begun with them.
    SentNoResponse,        ///< All bytes, and no byte of a response (a 1xx is one).
    ResponseBegun,
  };
  enum class Connection : std::uint8_t { Fresh, Reused };  ///< Reused: kept alive from an earlier request.

  http::Method method = http::Method::Other;
  Stage stage = Stage::Connecting;
  Connection connection = Connection::Fresh;
  bool body_is_replayable = true;  ///< Every body byte taken from the client so far is still held; also without a body.
  bool is_released = false;        ///< From a backend that was judged hung: it did not end by itself.
  bool backend_may_serve = true;   ///< It is not judged down, or drained.
  bool has_redialled = false;      ///< The same backend was dialled again for this request already.
  std::uint32_t attempts = 1;      ///< So far, this one included; dialling the same backend again counts as none.
  std::uint32_t attempts_max = 1;
  base::ErrorCode error = base::ErrorCode::Closed;
};

/// RedialSame: on a new connection, not on a kept one. TryElsewhere: never the backend just tried, and only if the
/// pool's RetryBudget gives one.
enum class Decision : std::uint8_t { RedialSame, TryElsewhere, GiveUp };

/// May these bytes be sent once more, to any backend? Only what the failed one cannot have executed, or what is
/// safe (RFC 9110 section 9.2.1: GET, HEAD, OPTIONS). Looks at nothing else: not at the number of attempts.
///
///   stage                  safe method   any other
///   Connecting             yes           yes           and never without all the body's bytes
///   ConnectedNothingSent   yes           yes
///   PartlySent             yes           no            half a request may run too: apps stream bodies
///   SentNoResponse           yes           no
///   ResponseBegun            no            no            the client may have seen it
bool is_repeatable(const FailedAttempt& attempt);

/// is_repeatable(), and attempts are left.
bool may_retry(const FailedAttempt& attempt);

/// What comes next: the only place that says so. The first row that fits:
///
///   the deadline passed after the connection was made   GiveUp       the user has waited once, and will not wait
///   again;
///                                                                    not when released from a hung backend
///   this process lacked something to connect with       GiveUp       it lacks that for every backend
///   not is_repeatable()                                 GiveUp
///   a kept connection was Closed or Reset               RedialSame   once, whatever attempts and budget say: it is no
///                                                                    failure of the backend, which may close a kept
///                                                                    connection at any time (RFC 9112 section 9.3.1);
///                                                                    not when the backend may not serve any more
///   attempts are left                                   TryElsewhere
///   otherwise                                           GiveUp
Decision decide(const FailedAttempt& attempt);

/// An attempt that no backend has seen a byte of makes no work twice: sending it elsewhere amplifies nothing and is
/// free, so that the death of a node that had half of the traffic costs nobody an error. So is one that is freed from a
/// hung backend, which works on nothing. All others draw on the budget.
constexpr bool draws_on_budget(const FailedAttempt& attempt) {
  return !attempt.is_released && attempt.stage != FailedAttempt::Stage::Connecting &&
         attempt.stage != FailedAttempt::Stage::ConnectedNothingSent;
}

/// Keeps retries a share of the traffic, so that an outage is not amplified. One per pool and worker, on its thread.
///
/// A retry is given while those of the last ten seconds are fewer than budget_percent of the requests of the last ten
/// seconds; beyond that, budget_min per second, so that a quiet pool can retry (each worker has its part of those,
/// rounded up). Seconds are counted whole: the window is 9 to 10 s long.
class RetryBudget {
 public:
  explicit RetryBudget(const conf::Retry& settings, std::uint32_t workers = 1);
  /// The same anew, after a reload; what was counted so far stays.
  void configure(const conf::Retry& settings);

  /// Each request once, not its retries.
  void on_request(base::Instant now);
  /// True: this retry may be made, and is counted as made.
  bool may_retry(base::Instant now);

 private:
  static constexpr std::size_t kSeconds = 10;
  struct Second {
    std::uint64_t requests = 0;
    std::uint64_t retries = 0;  // of the share; those of budget_min are counted apart
  };

  void go_to(base::Instant now);

  std::uint32_t workers_;
  std::uint32_t percent_ = 0;
  std::uint32_t min_per_second_ = 0;
  std::int64_t second_ = 0;  // the newest seen
  std::array<Second, kSeconds> window_{};
  Second sum_;
  std::uint32_t min_used_ = 0;  // in this second
};

}  // namespace holdfast::proxy
