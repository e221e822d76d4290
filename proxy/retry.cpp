#include "proxy/retry.h"

#include <algorithm>
#include <chrono>

namespace holdfast::proxy {

namespace {

constexpr std::uint32_t divided_up(std::uint32_t whole, std::uint32_t parts) {
  return whole / parts + (whole % parts == 0 ? 0 : 1);
}

/// A backend may close a kept connection at any time, also in the moment we use it (RFC 9112 section 9.3.1).
bool was_stale(const FailedAttempt& attempt) {
  return attempt.connection == FailedAttempt::Connection::Reused &&
         (attempt.error == base::ErrorCode::Closed || attempt.error == base::ErrorCode::Reset);
}

}  // namespace

bool is_repeatable(const FailedAttempt& attempt) {
  if (!attempt.body_is_replayable) return false;
  switch (attempt.stage) {
    case FailedAttempt::Stage::Connecting:
    case FailedAttempt::Stage::ConnectedNothingSent:
      return true;
    case FailedAttempt::Stage::PartlySent:
    case FailedAttempt::Stage::SentNoResponse:
      return http::is_safe(attempt.method);
    case FailedAttempt::Stage::ResponseBegun:
      return false;
  }
  return false;
}

bool may_retry(const FailedAttempt& attempt) {
  return is_repeatable(attempt) && attempt.attempts < attempt.attempts_max;
}

Decision decide(const FailedAttempt& attempt) {
  const bool was_connected = attempt.stage != FailedAttempt::Stage::Connecting;
  if (attempt.error == base::ErrorCode::Timeout && was_connected && !attempt.is_released) return Decision::GiveUp;
  if (attempt.error == base::ErrorCode::Overload && !was_connected) return Decision::GiveUp;
  if (!is_repeatable(attempt)) return Decision::GiveUp;
  if (was_stale(attempt) && !attempt.has_redialled && attempt.backend_may_serve) return Decision::RedialSame;
  return may_retry(attempt) ? Decision::TryElsewhere : Decision::GiveUp;
}

RetryBudget::RetryBudget(const conf::Retry& settings, std::uint32_t workers)
    : workers_(std::max<std::uint32_t>(workers, 1)) {
  configure(settings);
}

void RetryBudget::configure(const conf::Retry& settings) {
  percent_ = settings.budget_percent;
  min_per_second_ = divided_up(settings.budget_min, workers_);
}

void RetryBudget::on_request(base::Instant now) {
  go_to(now);
  ++window_[static_cast<std::size_t>(second_) % kSeconds].requests;
  ++sum_.requests;
}

bool RetryBudget::may_retry(base::Instant now) {
  go_to(now);
  if (sum_.retries * 100 < sum_.requests * percent_) {
    ++window_[static_cast<std::size_t>(second_) % kSeconds].retries;
    ++sum_.retries;
    return true;
  }
  if (min_used_ >= min_per_second_) return false;
  ++min_used_;
  return true;
}

// Time that seems to go back stays in the second it has reached.
void RetryBudget::go_to(base::Instant now) {
  const auto second = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
  if (second <= second_) return;
  const std::int64_t gone = std::min<std::int64_t>(second - second_, kSeconds);
  for (std::int64_t i = 0; i < gone; ++i) {
    Second& oldest = window_[static_cast<std::size_t>(second - i) % kSeconds];
    sum_.requests -= oldest.requests;
    sum_.retries -= oldest.retries;
    oldest = {};
  }
  second_ = second;
  min_used_ = 0;
}

}  // namespace holdfast::proxy
