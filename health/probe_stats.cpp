#include "health/probe_stats.h"

namespace holdfast::health {

void ProbeStats::add(const ProbeOutcome& outcome, base::WallTime at) {
  last_detail_ = outcome.detail;
  last_ =
      ProbeRecord{at, outcome.took, outcome.reason, outcome.status, outcome.passed() ? std::string() : outcome.detail};
  history_.add(*last_);
  took_ += outcome.took;
  ++(outcome.passed() ? passed_ : failed_);
}

void ProbeStats::add_discarded(const ProbeOutcome& outcome) {
  last_detail_ = outcome.detail;
  ++discarded_;
}

void ProbeStats::fill(Report& report) const {
  report.passed_total = passed_;
  report.failed_total = failed_;
  report.discarded_total = discarded_;
  report.last_probe = last_;
  report.last_detail = last_detail_;
  report.history = history_.records();
  report.took_total = took_;
}

}  // namespace holdfast::health
