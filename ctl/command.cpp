#include "ctl/command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>
#include <utility>

#include "base/text.h"
#include "ctl/client.h"
#include "ctl/order.h"
#include "ctl/passwd.h"
#include "ctl/quarantine.h"
#include "ctl/reload.h"
#include "ctl/roll.h"
#include "ctl/sessions.h"
#include "ctl/text.h"

namespace holdfast::ctl {

namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

struct Arguments {
  std::string admin = "http://127.0.0.1:8081";
  std::string ca;
  std::string timeout = "5s";
  bool json = false;
  bool check = false;
  CtlOrder order;
  CtlSessions sessions;
  CtlRoll roll;
  CtlQuarantine quarantine;
};

/// Where the proxy is, and how long to wait for it.
struct Target {
  AdminUrl where;
  base::Duration patience{};
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

base::Result<Target> target_of(const Arguments& arguments) {
  auto where = parse_admin_url(arguments.admin);
  if (!where) return where.error();
  where->ca = arguments.ca;
  const auto timeout = base::parse_duration(arguments.timeout);
  if (!timeout || *timeout <= base::Duration::zero() || *timeout > std::chrono::hours{1}) {
    return base::Error{base::ErrorCode::Invalid,
                       fmt::format("\"{}\" is not a valid timeout; expected a duration such as 5s", arguments.timeout)};
  }
  return Target{.where = *where, .patience = *timeout};
}

CtlOutcome run_status(const Target& target, const Arguments& arguments, Colours colours) {
  const auto response = http_get(target.where, "/api/v1/status", target.patience);
  if (!response) return failed(response.error().text);
  if (response->status != 200) {
    return failed(fmt::format("{} returned {} for /api/v1/status: is this holdfast's [admin] address?",
                              target.where.text(), response->status));
  }
  auto text = arguments.json ? pretty_json(response->body) : status_table(response->body, colours);
  if (!text) return failed(fmt::format("{}: {}", target.where.text(), text.error().text));
  return {.exit_code = 0, .out = std::move(*text), .err = {}};
}

CtlOutcome run_order(const Target& target, const CtlOrder& order, const PrintLine& print_line) {
  const auto path = order_path(order);
  if (!path) return bad_usage(path.error().text);
  if (const auto body = order_body(order); !body) return bad_usage(body.error().text);
  const auto response = http_post(target.where, *path, *order_body(order), target.patience);
  if (!response) return failed(response.error().text);
  if (response->status != 200) {
    return failed(
        fmt::format("{} returned {}: {}", target.where.text(), response->status, printable_line(response->body)));
  }
  auto done = order_words(order, response->body);
  if (!done) return failed(fmt::format("{}: {}", target.where.text(), done.error().text));
  print_line(done->text);
  if (!done->is_recorded) return {.exit_code = kFailed, .out = {}, .err = {}};
  if (!order.wait) return {};
  const auto waited = wait_until_drained(target.where, order.target, target.patience, print_line);
  return waited ? CtlOutcome{} : failed(waited.error().text);
}

CtlOutcome run_roll(const Target& target, const CtlRoll& typed, const PrintLine& print_line) {
  if (const auto fine = check_roll(typed); !fine) return bad_usage(fine.error().text);
  const auto done = roll(target.where, typed, target.patience, print_line);
  return done ? CtlOutcome{} : failed(done.error().text);
}

/// Asks, and shows the response as JSON or in the command's words.
template <class Typed>
CtlOutcome run_ask(const Target& target, bool as_json, const Typed& typed, const base::Result<CtlAsk>& ask,
                   base::Result<std::string> (*words)(const Typed&, std::string_view)) {
  if (!ask) return bad_usage(ask.error().text);
  const auto response = ask->body.empty() ? http_get(target.where, ask->path, target.patience)
                                          : http_post(target.where, ask->path, ask->body, target.patience);
  if (!response) return failed(response.error().text);
  if (response->status != 200) return failed(printable_line(response->body));
  auto text = as_json ? pretty_json(response->body) : words(typed, response->body);
  if (!text) return failed(fmt::format("{}: {}", target.where.text(), text.error().text));
  return {.exit_code = 0, .out = std::move(*text), .err = {}};
}

CtlOutcome run_sessions(const Target& target, const Arguments& arguments) {
  const CtlSessions& typed = arguments.sessions;
  return run_ask(target, arguments.json, typed, sessions_ask(typed), &sessions_words);
}

CtlOutcome run_quarantine(const Target& target, const Arguments& arguments) {
  const CtlQuarantine& typed = arguments.quarantine;
  return run_ask(target, arguments.json, typed, quarantine_ask(typed), &quarantine_words);
}

CtlOutcome run_reload(const Target& target, const Arguments& arguments) {
  const auto response =
      http_post(target.where, "/api/v1/reload", arguments.check ? R"({"check":true})" : "{}", target.patience);
  if (!response) return failed(response.error().text);
  if (response->status != 200) return failed(printable_lines(response->body));
  auto text = arguments.json ? pretty_json(response->body) : reload_words(response->body);
  if (!text) return failed(fmt::format("{}: {}", target.where.text(), text.error().text));
  return {.exit_code = 0, .out = std::move(*text), .err = {}};
}

CtlOutcome run_passwd() {
  const auto password = read_password();
  if (!password) return failed(password.error().text);
  const auto words = passwd_words(*password);
  if (!words) return failed(words.error().text);
  return {.exit_code = 0, .out = *words, .err = {}};
}

/// The id of a session is 22 characters of base64url (sessions/redis_text.h), so one in 64 begins with '-', which CLI11
/// takes for an option. Behind `sessions` such an argument gets a mark in front; the option it ends in takes it off.
constexpr char kIdMark = '=';

void mark_dashed_ids(std::vector<std::string>& arguments) {
  constexpr std::size_t kIdSize = 22;
  const auto command = std::find(arguments.begin(), arguments.end(), "sessions");
  std::for_each(command, arguments.end(), [](std::string& each) {
    if (each.size() == kIdSize && each.front() == '-' && is_plain_name(each)) each.insert(0, 1, kIdMark);
  });
}

std::string without_mark(std::string id) {
  if (id.starts_with(kIdMark)) id.erase(0, 1);
  return id;
}

void add_sessions_command(CLI::App& app, Arguments& arguments) {
  using Verb = CtlSessions::Verb;
  CtlSessions& typed = arguments.sessions;
  CLI::App& command = *app.add_subcommand("sessions", "List, move or end sessions");
  command.require_subcommand(0, 1);
  command.callback([&typed] {
    if (typed.verb == Verb::None) typed.verb = Verb::List;
  });
  command.add_option("--backend", typed.backend, "Only the sessions of POOL/BACKEND");
  command.add_option("--pool", typed.pool, "Only the sessions of a pool");
  command.add_option("--limit", typed.limit, "List at most this many")->capture_default_str();
  command.add_flag("--json", arguments.json, "Print the whole response as JSON");
  command.add_subcommand("list", "List sessions; the default");
  CLI::App& move = *command.add_subcommand(
      "move", "Move one session: move ID POOL/BACKEND. All sessions of a backend: move --backend POOL/BACKEND");
  move.add_option("id", typed.id, "The id in the list")->transform(without_mark);
  move.add_option("to", typed.to, "POOL/BACKEND");
  move.callback([&typed] { typed.verb = Verb::Move; });
  CLI::App& end =
      *command.add_subcommand("end", "End one session: end ID. All: end --backend POOL/BACKEND, end --pool POOL");
  end.add_option("id", typed.id, "The id in the list")->transform(without_mark);
  end.callback([&typed] { typed.verb = Verb::End; });
  command.fallthrough();
  move.fallthrough();
  end.fallthrough();
}

void add_quarantine_command(CLI::App& app, Arguments& arguments) {
  using Verb = CtlQuarantine::Verb;
  CtlQuarantine& typed = arguments.quarantine;
  CLI::App& command = *app.add_subcommand("quarantine", "List or release requests that have crashed a backend");
  command.require_subcommand(1);
  command.add_flag("--json", arguments.json, "Print the whole response as JSON");
  CLI::App& list = *command.add_subcommand("list", "List the quarantined requests");
  list.callback([&typed] { typed.verb = Verb::List; });
  CLI::App& release = *command.add_subcommand("release", "Let a request reach backends again: release ID");
  release.add_option("id", typed.id, "The id in the list")->required();
  release.callback([&typed] { typed.verb = Verb::Release; });
  list.fallthrough();
  release.fallthrough();
}

void add_order_commands(CLI::App& app, CtlOrder& order) {
  static constexpr std::pair<const char*, const char*> kCommands[] = {
      {"drain", "Drain a backend: it gets no new sessions, its sessions stay"},
      {"ready", "Put a backend back into service"},
      {"maint", "Maintenance: a backend serves nobody, its sessions move with their next request"}};
  for (const auto& [word, help] : kCommands) {
    CLI::App& command = *app.add_subcommand(word, help);
    command.callback([&order, word = word] { order.word = word; });
    command.add_option("backend", order.target, "POOL/BACKEND")->required();
    if (std::string_view(word) != "drain") continue;
    command.add_option("--deadline", order.deadline,
                       "After this time, as in 10m, the remaining sessions move and the backend is in maintenance");
    command.add_flag("--wait", order.wait, "Show who is left, and return when no session and no request is");
  }
}

CLI::App& add_roll_command(CLI::App& app, CtlRoll& roll) {
  CLI::App& command = *app.add_subcommand(
      "roll", "For each backend of a pool, one after the other: drain it, run a command, wait until it is UP");
  command.add_option("pool", roll.pool, "The pool")->required();
  command
      .add_option("--each", roll.command,
                  "The command for /bin/sh; its environment has HOLDFAST_POOL, HOLDFAST_BACKEND, HOLDFAST_ADDRESS")
      ->required();
  command.add_option("--deadline", roll.deadline, "The deadline of each drain")->capture_default_str();
  command.add_option("--up-timeout", roll.up_timeout, "How long a backend may take to come up")->capture_default_str();
  command.add_option("--from", roll.from, "Begin with this backend, to continue a roll that has stopped");
  return command;
}

}  // namespace

CtlOutcome run_ctl(std::vector<std::string> arguments, Colours colours, const PrintLine& print_line) {
  if (!print_line) {
    std::string said;
    CtlOutcome outcome = run_ctl(std::move(arguments), colours, [&said](std::string_view line) { said += line; });
    outcome.out.insert(0, said);
    return outcome;
  }
  Arguments parsed;
  CLI::App app("Shows and controls a running holdfast. HOLDFAST_TOKEN is the token, if it has users.", "holdfastctl");
  app.add_option("--admin", parsed.admin, "The proxy's [admin] address")
      ->envname("HOLDFAST_ADMIN")
      ->capture_default_str();
  app.add_option("--ca", parsed.ca, "With https: PEM file of the certificate authority; default: those of this machine")
      ->envname("HOLDFAST_CA");
  app.add_option("--timeout", parsed.timeout, "How long to wait for a response")->capture_default_str();
  app.set_version_flag("-V,--version", version_text());
  app.require_subcommand(0, 1);
  app.fallthrough();
  CLI::App& status = *app.add_subcommand("status", "Show pools and backends");
  status.add_flag("--json", parsed.json, "Print the whole response as JSON");
  const CLI::App& passwd = *app.add_subcommand("passwd", "Ask for a password and print its hash for [[admin.users]]");
  const CLI::App& token = *app.add_subcommand("token", "Print a new token and its hash for [[admin.tokens]]");
  add_order_commands(app, parsed.order);
  add_sessions_command(app, parsed);
  add_quarantine_command(app, parsed);
  CLI::App& reload = *app.add_subcommand("reload", "Read the configuration again; with errors, nothing changes");
  reload.add_flag("--check", parsed.check, "Show what would change, and for how many sessions; change nothing");
  reload.add_flag("--json", parsed.json, "Print the whole response as JSON");
  const CLI::App& roll_command = add_roll_command(app, parsed.roll);
  mark_dashed_ids(arguments);
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    std::ostringstream err;
    const int code = app.exit(error, out, err);
    return {.exit_code = code == 0 ? 0 : kUsage, .out = out.str(), .err = err.str()};
  }
  if (token.parsed()) return {.exit_code = 0, .out = token_words(), .err = {}};
  if (passwd.parsed()) return run_passwd();
  const bool is_order = !parsed.order.word.empty();
  const bool is_sessions = parsed.sessions.verb != CtlSessions::Verb::None;
  const bool is_quarantine = parsed.quarantine.verb != CtlQuarantine::Verb::None;
  if (!status.parsed() && !reload.parsed() && !is_order && !is_sessions && !roll_command.parsed() && !is_quarantine)
    return bad_usage("a command is missing; --help lists them");
  const auto target = target_of(parsed);
  if (!target) return bad_usage(target.error().text);
  if (roll_command.parsed()) return run_roll(*target, parsed.roll, print_line);
  if (reload.parsed()) return run_reload(*target, parsed);
  if (is_order) return run_order(*target, parsed.order, print_line);
  if (is_quarantine) return run_quarantine(*target, parsed);
  return is_sessions ? run_sessions(*target, parsed) : run_status(*target, parsed, colours);
}

}  // namespace holdfast::ctl
