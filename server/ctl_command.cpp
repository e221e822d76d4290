#include "server/ctl_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>
#include <utility>

#include "base/text.h"
#include "server/ctl_client.h"

namespace holdfast::server {

namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

struct Arguments {
  std::string admin = "http://127.0.0.1:8081";
  std::string timeout = "5s";
  bool json = false;
};

std::string version_text() {
  return fmt::format("holdfastctl {} ({}, {})", HOLDFAST_VERSION, HOLDFAST_BUILD_TYPE, "g++ " __VERSION__);
}

CtlOutcome failed(std::string_view why) {
  return {.exit_code = kFailed, .out = {}, .err = fmt::format("holdfastctl: {}\n", why)};
}

CtlOutcome bad_usage(std::string_view why) {
  return {.exit_code = kUsage, .out = {}, .err = fmt::format("holdfastctl: {}\n", why)};
}

CtlOutcome run_status(const Arguments& arguments, Colours colours) {
  const auto where = parse_admin_url(arguments.admin);
  if (!where) return bad_usage(where.error().text);
  const auto timeout = base::parse_duration(arguments.timeout);
  if (!timeout || *timeout <= base::Duration::zero() || *timeout > std::chrono::hours{1}) {
    return bad_usage(fmt::format("\"{}\" is no timeout; expected a duration such as 5s", arguments.timeout));
  }
  const auto answer = http_get(*where, "/api/v1/status", *timeout);
  if (!answer) return failed(answer.error().text);
  if (answer->status != 200) {
    return failed(fmt::format("{} answered {} to /api/v1/status: is this holdfast's [admin] address?", where->text(),
                              answer->status));
  }
  auto text = arguments.json ? pretty_json(answer->body) : status_table(answer->body, colours);
  if (!text) return failed(fmt::format("{}: {}", where->text(), text.error().text));
  return {.exit_code = 0, .out = std::move(*text), .err = {}};
}

}  // namespace

CtlOutcome run_ctl(std::vector<std::string> arguments, Colours colours) {
  Arguments parsed;
  CLI::App app("Shows and steers a running holdfast.", "holdfastctl");
  app.add_option("--admin", parsed.admin, "The proxy's [admin] address")
      ->envname("HOLDFAST_ADMIN")
      ->capture_default_str();
  app.add_option("--timeout", parsed.timeout, "How long to wait for an answer")->capture_default_str();
  app.set_version_flag("-V,--version", version_text());
  app.require_subcommand(0, 1);
  app.fallthrough();
  CLI::App& status = *app.add_subcommand("status", "Pools and backends, in words");
  status.add_flag("--json", parsed.json, "The whole answer as JSON");
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    std::ostringstream err;
    const int code = app.exit(error, out, err);
    return {.exit_code = code == 0 ? 0 : kUsage, .out = out.str(), .err = err.str()};
  }
  if (!status.parsed()) return bad_usage("a command is missing; --help lists them");
  return run_status(parsed, colours);
}

}  // namespace holdfast::server
