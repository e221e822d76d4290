#pragma once

#include <string>

#include "conf/settings.h"
#include "health/questions.h"

namespace holdfast::health {

/// Probe type "http": the configured request, and what expect.h makes of the response. `probe` outlives it.
class HttpQuestions final : public Questions {
 public:
  /// `host` is the Host field where the configuration names none.
  HttpQuestions(const conf::Probe& probe, std::string_view host);

  void begin(Depth) override {}
  std::string_view request() const override { return request_; }
  http::Method method() const override { return method_; }
  std::optional<ProbeOutcome> judge_status(std::uint16_t status) const override;
  bool wants_body() const override;
  std::optional<ProbeOutcome> judge(std::uint16_t status, std::string_view body) override;

 private:
  const conf::Probe& probe_;
  const std::string request_;
  const http::Method method_;
};

}  // namespace holdfast::health
