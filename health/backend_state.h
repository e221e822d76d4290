#pragma once

#include "base/time.h"
#include "health/verdict.h"
#include "health/view.h"

namespace holdfast::health {

/// The state of one backend as it was judged last: since when it holds, and what the workers see of it. Pure.
class BackendState {
 public:
  /// Before anything is known.
  void begin(base::WallTime wall_now);
  /// Takes the new judgement; returns the state before. With a `slow_start` above 0, one that comes back
  /// is given less at first.
  Judgement enter(const Judgement& next, base::Instant now, base::WallTime wall_now, base::Duration slow_start);

  // What else the workers need to know.
  void set_ends_long(bool ends_long) { verdict_.ends_long = ends_long; }
  void set_silent(bool silent) { verdict_.silent = silent; }

  const Judgement& judgement() const { return judgement_; }
  const Verdict& verdict() const { return verdict_; }
  State state() const { return verdict_.state; }
  /// When the state began.
  base::WallTime since() const { return since_; }

 private:
  Judgement judgement_;
  Verdict verdict_;
  base::WallTime since_{};
  bool was_down_ = false;  // since it was up last
};

}  // namespace holdfast::health
