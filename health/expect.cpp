#include "health/expect.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "health/json_expect.h"

namespace holdfast::health {

namespace {

bool has_field(const conf::Probe& probe, std::string_view name) {
  return std::any_of(probe.headers.begin(), probe.headers.end(),
                     [&](const auto& field) { return base::iequals(field.first, name); });
}

bool implies_content(std::string_view method) { return method == "POST" || method == "PUT" || method == "PATCH"; }

std::string ranges_text(const std::vector<conf::StatusRange>& ranges) {
  std::string out;
  for (const conf::StatusRange& range : ranges) {
    if (!out.empty()) out += ", ";
    out += range.low == range.high ? fmt::format("{}", range.low) : fmt::format("{}-{}", range.low, range.high);
  }
  return out;
}

}  // namespace

std::string probe_request(const conf::Probe& probe, std::string_view host) {
  std::string out = fmt::format("{} {} HTTP/1.1\r\n", probe.method, probe.path);
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!has_field(probe, name)) out += fmt::format("{}: {}\r\n", name, value);
  };
  add("Host", probe.host.empty() ? host : std::string_view(probe.host));
  add("User-Agent", "holdfast-probe");
  for (const auto& [name, value] : probe.headers) {
    if (!base::iequals(name, "Content-Length")) out += fmt::format("{}: {}\r\n", name, value);
  }
  if (!probe.body.empty() || implies_content(probe.method)) {
    out += fmt::format("Content-Length: {}\r\n", probe.body.size());
  }
  out += "\r\n";
  out += probe.body;
  return out;
}

ProbeOutcome judge_status(const conf::Probe& probe, std::uint16_t status) {
  ProbeOutcome outcome{.status = status, .detail = fmt::format("status {}", status)};
  const auto holds = [status](const conf::StatusRange& range) { return range.low <= status && status <= range.high; };
  if (std::any_of(probe.expect_sick.begin(), probe.expect_sick.end(), holds)) {
    outcome.reason = Reason::AppSick;
  } else if (std::none_of(probe.expect_status.begin(), probe.expect_status.end(), holds)) {
    outcome.reason = Reason::ProbeBadStatus;
    outcome.detail = bounded_detail(fmt::format("status {}, expected {}", status, ranges_text(probe.expect_status)));
  }
  return outcome;
}

bool expects_body(const conf::Probe& probe) { return !probe.expect_body.empty() || !probe.expect_json.empty(); }

ProbeOutcome judge_body(const conf::Probe& probe, std::uint16_t status, std::string_view body) {
  ProbeOutcome outcome = judge_status(probe, status);
  if (!outcome.passed()) return outcome;
  if (!probe.expect_body.empty() && body.find(probe.expect_body) == std::string_view::npos) {
    outcome.reason = Reason::ProbeBadBody;
    outcome.detail = bounded_detail(fmt::format("the body does not contain \"{}\"", probe.expect_body));
  } else if (const auto mismatch = json_mismatch(body, probe.expect_json)) {
    outcome.reason = Reason::ProbeBadJson;
    outcome.detail = bounded_detail(*mismatch);
  }
  return outcome;
}

}  // namespace holdfast::health
