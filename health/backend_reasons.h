#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "health/operator_state.h"
#include "health/reason.h"
#include "health/verdict.h"

namespace holdfast::health {

/// Why one backend is as it is, in the words of each that may have the last one. Pure.
class BackendReasons {
 public:
  /// A probe that did not pass.
  void on_probe(Reason reason, std::string_view detail);
  void on_ejection(base::ErrorCode last_failure, std::uint32_t failures_in_a_row);
  void on_order(const OperatorOrder& order);
  void on_quorum(std::string_view words) { quorum_detail_ = words; }

  /// Of the last probe that did not pass.
  Reason probe_reason() const { return probe_reason_; }
  const std::string& probe_detail() const { return probe_detail_; }

  Reason of(Source source) const;
  const std::string& detail_of(Source source) const;

 private:
  Reason probe_reason_ = Reason::NotProbedYet;
  std::string probe_detail_;
  std::string ejection_detail_;
  std::string order_detail_;
  std::string quorum_detail_;
};

}  // namespace holdfast::health
