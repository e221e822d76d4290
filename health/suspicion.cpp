#include "health/suspicion.h"

#include <utility>

namespace holdfast::health {

bool Suspicion::on_failure(base::ErrorCode code, base::Instant now) {
  code_ = code;
  since_ = now;
  return std::exchange(cause_, Cause::Failure) != Cause::Failure;
}

void Suspicion::on_silence(base::Duration lasted, base::Instant now) {
  silence_lasted_ = lasted;
  since_ = now;
  cause_ = Cause::Silence;
}

void Suspicion::on_alive(base::Instant probe_began) {
  if (probe_began >= since_) clear();
}

bool Suspicion::confirm_silence() {
  if (!is_silence()) return false;
  cause_ = Cause::Failure;
  code_ = base::ErrorCode::Timeout;
  return true;
}

}  // namespace holdfast::health
