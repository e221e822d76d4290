#pragma once

#include <cstdint>

#include "base/result.h"
#include "base/time.h"
#include "health/reason.h"

namespace holdfast::health {

/// What real requests say against a backend, until a probe has found out: one failed, or none in flight gets a
/// response. The second weighs less, because slow is not hung. Pure.
class Suspicion {
 public:
  /// A request failed. True: so far nothing was known, or only a silence.
  bool on_failure(base::ErrorCode code, base::Instant now);
  /// Requests are in flight, and no response has come for this long. Only while not suspect.
  void on_silence(base::Duration lasted, base::Instant now);
  /// A probe found the backend alive. One begun before the problem may have passed before it, too: no proof.
  void on_alive(base::Instant probe_began);
  /// A probe failed. True: it confirms a silence, which is a suspicion like others from now on.
  bool confirm_silence();
  void clear() { cause_ = Cause::None; }

  bool is_suspect() const { return cause_ != Cause::None; }
  /// No request failed, and no probe has confirmed the silence.
  bool is_silence() const { return cause_ == Cause::Silence; }
  base::ErrorCode code() const { return code_; }
  /// How long no response had come when that was noticed.
  base::Duration silence_lasted() const { return silence_lasted_; }

 private:
  enum class Cause : std::uint8_t { None, Failure, Silence };

  Cause cause_ = Cause::None;
  base::ErrorCode code_ = base::ErrorCode::Io;
  base::Instant since_{};
  base::Duration silence_lasted_{};
};

}  // namespace holdfast::health
