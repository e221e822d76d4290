#include "health/http_questions.h"

#include "health/expect.h"

namespace holdfast::health {

HttpQuestions::HttpQuestions(const conf::Probe& probe, std::string_view host)
    : probe_(probe),
      request_(probe_request(probe, host)),
      // Only what changes the framing of a response matters here (RFC 9112 section 6.3).
      method_(probe.method == "HEAD" ? http::Method::Head : http::Method::Other) {}

std::optional<ProbeOutcome> HttpQuestions::judge_status(std::uint16_t status) const {
  ProbeOutcome outcome = health::judge_status(probe_, status);
  if (outcome.passed()) return std::nullopt;
  return outcome;
}

bool HttpQuestions::wants_body() const { return expects_body(probe_); }

std::optional<ProbeOutcome> HttpQuestions::judge(std::uint16_t status, std::string_view body) {
  return judge_body(probe_, status, body);
}

}  // namespace holdfast::health
