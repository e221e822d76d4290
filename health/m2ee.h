#pragma once

#include <string>

#include "conf/settings.h"
#include "health/questions.h"

namespace holdfast::health {

/// Probe type "m2ee": the admin port of a Mendix runtime. `runtime_status` each time; when that says "running" and the
/// probe is a full one, `check_health` too. The JSON decides, not the HTTP status. `probe` outlives it.
class M2eeQuestions final : public Questions {
 public:
  M2eeQuestions(const conf::Probe& probe, std::string_view host);

  void begin(Depth depth) override;
  std::string_view request() const override { return asks_health_ ? health_request_ : status_request_; }
  http::Method method() const override { return http::Method::Other; }
  std::optional<ProbeOutcome> judge_status(std::uint16_t) const override { return std::nullopt; }
  bool wants_body() const override { return true; }
  std::optional<ProbeOutcome> judge(std::uint16_t status, std::string_view body) override;

 private:
  const std::string status_request_;
  const std::string health_request_;
  Depth depth_ = Depth::Full;
  bool asks_health_ = false;
};

/// The request of one action, ready to send.
std::string m2ee_request(const conf::Probe& probe, std::string_view host, std::string_view action);

/// What a response to runtime_status comes to. A refused password (result -4, or 401/403 without a response of the
/// admin port) and whatever else the admin port does not understand is the probe's fault: ProbeMisconfigured. An HTTP
/// 200 alone is nothing.
ProbeOutcome judge_runtime_status(std::uint16_t status, std::string_view body);

/// What a response to check_health comes to, of a runtime that says it is running. "unknown" is as good as "healthy";
/// so is a runtime that has no such action. A check that itself fails is a sick app.
ProbeOutcome judge_check_health(std::uint16_t status, std::string_view body);

}  // namespace holdfast::health
