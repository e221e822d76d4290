#include "health/m2ee.h"

#include <fmt/format.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/text.h"
#include "health/expect.h"

namespace holdfast::health {

namespace {

using Json = nlohmann::json;

// The runtime's results.
constexpr std::int64_t kOk = 0;
constexpr std::int64_t kNotRunning = 2;
constexpr std::int64_t kForbidden = -4;
constexpr std::int64_t kUnknownAction = -5;

/// What the admin port's own faults with a request are called; none of them says anything about the app.
std::string_view fault_text(std::int64_t result) {
  switch (result) {
    case -1:
      return "it got no request";
    case -2:
      return "it does not take the content type";
    case -3:
      return "it does not take the method";
    case kForbidden:
      return "it refuses the password";
    case kUnknownAction:
      return "it does not know the action";
    default:
      return {};
  }
}

// RFC 4648 section 4, with padding.
std::string base64(std::string_view text) {
  std::string out = base::to_base64url({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  for (char& c : out) c = c == '-' ? '+' : c == '_' ? '/' : c;
  out.append((4 - out.size() % 4) % 4, '=');
  return out;
}

struct Reply {
  std::int64_t result = 0;
  std::string message;  // of the runtime, when something is wrong
  Json feedback;

  std::optional<std::string> word(const char* key) const {
    const auto it = feedback.find(key);
    if (it == feedback.end() || !it->is_string()) return std::nullopt;
    return it->get<std::string>();
  }
};

std::optional<Reply> parse_reply(std::string_view body) {
  const Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return std::nullopt;
  const auto result = json.find("result");
  if (result == json.end() || !result->is_number_integer()) return std::nullopt;
  Reply reply{.result = result->get<std::int64_t>(), .message = {}, .feedback = Json::object()};
  if (const auto feedback = json.find("feedback"); feedback != json.end() && feedback->is_object()) {
    reply.feedback = *feedback;
  }
  if (const auto message = json.find("message"); message != json.end() && message->is_string()) {
    reply.message = ": " + message->get<std::string>();
  }
  return reply;
}

ProbeOutcome outcome_of(Reason reason, std::uint16_t status, std::string detail) {
  return {.reason = reason, .status = status, .detail = bounded_detail(std::move(detail))};
}

/// Not a response of an admin port at all.
ProbeOutcome judge_stranger(std::uint16_t status) {
  if (status == 401 || status == 403) {
    return outcome_of(Reason::ProbeMisconfigured, status,
                      fmt::format("the admin port refuses the probe with status {}; is its password right?", status));
  }
  if (status < 200 || status > 299) {
    return outcome_of(Reason::ProbeBadStatus, status,
                      fmt::format("status {}, expected the response of an admin port", status));
  }
  return outcome_of(Reason::ProbeBadJson, status, "the response is not that of an admin port");
}

std::optional<ProbeOutcome> judge_fault(const Reply& reply, std::uint16_t status) {
  const std::string_view fault = fault_text(reply.result);
  if (fault.empty()) return std::nullopt;
  return outcome_of(Reason::ProbeMisconfigured, status,
                    fmt::format("the admin port returns result {}: {}{}", reply.result, fault,
                                reply.result == kForbidden ? "; the app may be well" : ""));
}

}  // namespace

std::string m2ee_request(const conf::Probe& probe, std::string_view host, std::string_view action) {
  conf::Probe asks = probe;
  asks.method = "POST";
  asks.headers.emplace_back("Content-Type", "application/json");
  asks.headers.emplace_back("X-M2EE-Authentication", base64(probe.password));
  asks.body = fmt::format(R"({{"action":"{}","params":{{}}}})", action);
  return probe_request(asks, host);
}

ProbeOutcome judge_runtime_status(std::uint16_t status, std::string_view body) {
  const auto reply = parse_reply(body);
  if (!reply) return judge_stranger(status);
  if (auto fault = judge_fault(*reply, status)) return *fault;
  if (reply->result != kOk) {
    return outcome_of(Reason::ProbeBadResult, status,
                      fmt::format("runtime_status: result {}{}", reply->result, reply->message));
  }
  const std::string word = reply->word("status").value_or("");
  const std::string detail = "runtime_status: " + (word.empty() ? "no status" : word);
  if (word == "running") return outcome_of(Reason::None, status, detail);
  if (word == "created" || word == "starting") return outcome_of(Reason::AppStarting, status, detail);
  const bool is_known = word == "broken" || word == "stopping" || word == "stopped";
  return outcome_of(is_known ? Reason::AppNotRunning : Reason::ProbeBadResult, status, detail);
}

ProbeOutcome judge_check_health(std::uint16_t status, std::string_view body) {
  const auto reply = parse_reply(body);
  if (!reply) return judge_stranger(status);
  if (reply->result == kUnknownAction) return outcome_of(Reason::None, status, "running; it has no health check");
  if (auto fault = judge_fault(*reply, status)) return *fault;
  if (reply->result == kNotRunning) return outcome_of(Reason::AppNotRunning, status, "check_health: not running");
  if (reply->result != kOk) {
    return outcome_of(Reason::AppSick, status, fmt::format("check_health: result {}{}", reply->result, reply->message));
  }
  const std::string word = reply->word("health").value_or("no health");
  const std::string diagnosis = reply->word("diagnosis").value_or("");
  const std::string detail = "check_health: " + word + (diagnosis.empty() ? "" : ": " + diagnosis);
  const bool is_well = word == "healthy" || word == "unknown";
  return outcome_of(is_well ? Reason::None : Reason::AppSick, status, detail);
}

M2eeQuestions::M2eeQuestions(const conf::Probe& probe, std::string_view host)
    : status_request_(m2ee_request(probe, host, "runtime_status")),
      health_request_(m2ee_request(probe, host, "check_health")) {}

void M2eeQuestions::begin(Depth depth) {
  depth_ = depth;
  asks_health_ = false;
}

std::optional<ProbeOutcome> M2eeQuestions::judge(std::uint16_t status, std::string_view body) {
  if (asks_health_) return judge_check_health(status, body);
  ProbeOutcome outcome = judge_runtime_status(status, body);
  if (!outcome.passed() || depth_ == Depth::Brief) return outcome;
  asks_health_ = true;
  return std::nullopt;
}

}  // namespace holdfast::health
