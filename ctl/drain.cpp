#include "ctl/drain.h"

#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "base/json.h"
#include "ctl/order.h"
#include "ctl/text.h"

namespace holdfast::ctl {

namespace {

using Json = nlohmann::ordered_json;
using base::Error;
using base::ErrorCode;

constexpr base::Duration kStep = std::chrono::milliseconds{250};
constexpr base::Duration kSaidAtLeastEvery = std::chrono::seconds{30};
constexpr base::Duration kAwayMax = std::chrono::minutes{1};  // a proxy that is restarted

std::string numbers_of(const Json& backend, const Json& drain) {
  const std::uint64_t sessions = number_in(backend, "sessions");
  std::string out = counted(sessions, "session") + " left";
  if (sessions > 0) out += fmt::format(" ({} active, {} idle)", number_in(drain, "active"), number_in(drain, "idle"));
  const std::uint64_t requests = number_in(backend, "requests_in_flight") + number_in(drain, "requests_elsewhere");
  out += fmt::format(", {} under way", counted(requests, "request"));
  if (const auto lasting = number_in(drain, "long_lived"); lasting > 0)
    out += fmt::format(", {} of them long-lived", lasting);
  return out;
}

std::string outlook_of(const Json& backend, const Json& drain) {
  std::string out;
  if (const auto gone = drain.find("idle_gone_in_seconds"); gone != drain.end() && gone->is_number()) {
    out += number_in(drain, "active") == 0 ? "; gone in " : "; the idle ones are gone in ";
    out += about(gone->get<std::int64_t>()) + " if they stay away";
  }
  if (const std::string due = text_in(backend, "deadline"); !due.empty() && text_in(backend, "order") == "drain") {
    out += "; deadline " + due;
  }
  if (drain.contains("requests_elsewhere") && drain["requests_elsewhere"].is_null()) {
    out += "; the other proxies have not yet reported what is under way";
  }
  if (!flag_in(drain, "counted", true)) out += "; the proxy may not know all of them yet";
  return out;
}

Error ended(std::string text) { return {ErrorCode::Unavailable, std::move(text)}; }

/// What is wrong with a drain that goes no further; nothing, when it does, or is done.
base::Result<void> judged(const DrainProgress& now, std::string_view target) {
  if (now.order == "ready") return ended(fmt::format("{} was set to ready meanwhile", target));
  if (!now.is_over || now.sessions == 0) return {};
  if (now.order == "maint") {
    return ended(
        fmt::format("nothing is under way at {}, but {} bound to it: users who come back are served by other backends",
                    target, now.sessions == 1 ? "1 session is" : fmt::format("{} sessions are", now.sessions)));
  }
  return {};
}

}  // namespace

std::string counted(std::uint64_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string about(std::int64_t seconds) {
  if (seconds < 100) return fmt::format("{}s", seconds);
  if (seconds < 6000) return fmt::format("{}m", (seconds + 59) / 60);
  return fmt::format("{}h", (seconds + 3599) / 3600);
}

base::Result<DrainProgress> drain_progress(std::string_view status, std::string_view target) {
  const Json json = base::parse_json(status);
  const auto slash = target.find('/');
  const auto at = Json::json_pointer("/pools/" + std::string(target.substr(0, slash)) + "/backends/" +
                                     std::string(target.substr(slash + 1)));
  if (!json.is_object() || !json.contains(at) || !json.at(at).contains("order")) {
    return Error{ErrorCode::Malformed, fmt::format("the proxy does not know {} any more", target)};
  }
  const Json& backend = json.at(at);
  const Json drain = backend.value("drain", Json());
  DrainProgress out;
  out.order = text_in(backend, "order");
  out.sessions = number_in(backend, "sessions");
  if (!drain.is_object()) return out;
  out.is_over = flag_in(drain, "over", false);
  out.numbers = numbers_of(backend, drain);
  out.outlook = outlook_of(backend, drain);
  return out;
}

base::Result<void> wait_until_drained(const AdminUrl& where, std::string_view target, base::Duration patience,
                                      const PrintLine& print_line,
                                      const std::function<base::Result<void>()>& meanwhile) {
  using Clock = std::chrono::steady_clock;
  std::string said;
  auto said_at = Clock::now();
  auto answered_at = Clock::now();
  bool is_away = false;
  for (;; std::this_thread::sleep_for(kStep)) {
    if (meanwhile) {
      if (auto fine = meanwhile(); !fine) return fine;
    }
    const auto response = http_get(where, "/api/v1/status", patience);
    const auto now = Clock::now();
    if (!response) {
      if (now - answered_at > kAwayMax) return response.error();
      if (!std::exchange(is_away, true)) print_line(fmt::format("{}; trying again\n", response.error().text));
      continue;
    }
    answered_at = now;
    is_away = false;
    if (response->status != 200) {
      return ended(fmt::format("{} returned {}: {}", where.text(), response->status, printable_line(response->body)));
    }
    const auto progress = drain_progress(response->body, target);
    if (!progress) return progress.error();
    if (auto verdict = judged(*progress, target); !verdict) return verdict;
    if (progress->numbers != said || now - said_at > kSaidAtLeastEvery) {
      said = progress->numbers;
      said_at = now;
      print_line(fmt::format("{}: {}{}\n", target, progress->numbers, progress->is_over ? "" : progress->outlook));
    }
    if (progress->is_over) return {};
  }
}

}  // namespace holdfast::ctl
