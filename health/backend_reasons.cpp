#include "health/backend_reasons.h"

#include <fmt/format.h>

#include "base/text.h"

namespace holdfast::health {

void BackendReasons::on_probe(Reason reason, std::string_view detail) {
  probe_reason_ = reason;
  probe_detail_ = detail;
}

void BackendReasons::on_ejection(base::ErrorCode last_failure, std::uint32_t failures_in_a_row) {
  ejection_detail_ =
      fmt::format("{} requests in a row failed, the last one: {}", failures_in_a_row, base::name_of(last_failure));
}

void BackendReasons::on_order(const OperatorOrder& order) {
  order_detail_ =
      bounded_detail(fmt::format("{} by {} at {}", name_of(order.state), order.by, base::timestamp_text(order.at)));
}

Reason BackendReasons::of(Source source) const {
  switch (source) {
    case Source::Nobody:
      return Reason::None;
    case Source::Probe:
      return probe_reason_;
    case Source::Ejection:
      return Reason::Ejected;
    case Source::Operator:
      return Reason::Operator;
    case Source::Cluster:
      return Reason::Cluster;
  }
  return Reason::None;
}

const std::string& BackendReasons::detail_of(Source source) const {
  static const std::string kNothing;
  switch (source) {
    case Source::Probe:
      return probe_detail_;
    case Source::Ejection:
      return ejection_detail_;
    case Source::Operator:
      return order_detail_;
    case Source::Cluster:
      return quorum_detail_;
    case Source::Nobody:
      return kNothing;
  }
  return kNothing;
}

}  // namespace holdfast::health
