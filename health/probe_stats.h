#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "health/report.h"

namespace holdfast::health {

/// What the probes of one backend came to so far, for the status page. Pure: times are the caller's.
class ProbeStats {
 public:
  /// One that counts.
  void add(const ProbeOutcome& outcome, base::WallTime at);
  /// One that said nothing of the backend.
  void add_discarded(const ProbeOutcome& outcome);
  /// Of the last probe, whether it counted or not.
  const std::string& last_detail() const { return last_detail_; }
  /// Its share of the report.
  void fill(Report& report) const;

 private:
  std::uint64_t passed_ = 0;
  std::uint64_t failed_ = 0;
  std::uint64_t discarded_ = 0;
  std::optional<ProbeRecord> last_;
  std::string last_detail_;
  ProbeHistory history_;
  base::Duration took_{};
};

}  // namespace holdfast::health
