#include "ctl/roll.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <functional>
#include <thread>
#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "ctl/child.h"
#include "ctl/order.h"
#include "ctl/text.h"

namespace holdfast::ctl {

namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;
using base::Error;
using base::ErrorCode;

constexpr base::Duration kStep = std::chrono::milliseconds{250};
constexpr base::Duration kRenewEvery = std::chrono::seconds{10};

volatile std::sig_atomic_t g_is_interrupted = 0;

/// ctrl-C ends the roll where it is, and says where that is.
class Interruptible {
 public:
  Interruptible() : before_int_(std::signal(SIGINT, &on_signal)), before_term_(std::signal(SIGTERM, &on_signal)) {}
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;
  ~Interruptible() {
    std::signal(SIGINT, before_int_);
    std::signal(SIGTERM, before_term_);
  }

 private:
  static void on_signal(int) { g_is_interrupted = 1; }
  void (*before_int_)(int);
  void (*before_term_)(int);
};

Error stopped(std::string why) { return {ErrorCode::Unavailable, std::move(why)}; }

RollBackend backend_of(const std::string& name, const Json& json) {
  RollBackend out{.name = printable_line(name),
                  .address = text_in(json, "address"),
                  .state = text_in(json, "state"),
                  .order = text_in(json, "order"),
                  .probe = {},
                  .probed = {}};
  out.is_growing = json.contains("slow_start_percent") && json["slow_start_percent"].is_number();
  const Json probe = json.value("probe", Json::object());
  out.probe = text_in(probe, "state");
  const Json last = probe.value("last", Json::object());
  out.probed = text_in(last, "time");
  out.passed = flag_in(last, "passed", true);
  return out;
}

/// One roll, from the first backend to the last.
class Roll {
 public:
  Roll(const AdminUrl& where, const CtlRoll& typed, base::Duration patience, const PrintLine& print_line)
      : where_(where), typed_(typed), patience_(patience), print_line_(print_line), by_(user_name()) {
    id_ = fmt::format("{}.{}", ::getpid(), Clock::now().time_since_epoch().count());
  }

  base::Result<void> run();

 private:
  base::Result<void> each(const RollView& first);
  base::Result<void> one(const RollBackend& backend);
  base::Result<void> run_command(const RollBackend& backend);
  base::Result<void> come_back(const std::string& name, const std::string& after);
  base::Result<void> order(const std::string& name, std::string_view what);
  base::Result<void> keep(std::string_view verb);
  base::Result<void> meanwhile();
  base::Result<RollView> look() const;
  base::Result<RollBackend> look_at(const std::string& name) const;
  base::Result<bool> all_proxies_reach(const std::string& name) const;
  base::Result<void> wait_for(const char* what, const std::function<base::Result<bool>()>& holds);
  std::string path(std::string_view rest) const { return fmt::format("/api/v1/pools/{}/{}", typed_.pool, rest); }
  std::string full(const std::string& name) const { return typed_.pool + "/" + name; }

  const AdminUrl& where_;
  const CtlRoll& typed_;
  const base::Duration patience_;
  const PrintLine& print_line_;
  const std::string by_;
  std::string id_;
  std::string at_;     // the backend that is out
  std::string stays_;  // how it is left, if the roll ends now
  Clock::time_point kept_{};
};

base::Result<RollView> Roll::look() const {
  const auto response = http_get(where_, "/api/v1/status", patience_);
  if (!response) return response.error();
  if (response->status != 200) {
    return stopped(fmt::format("{} returned {}: {}", where_.text(), response->status, printable_line(response->body)));
  }
  return roll_view(response->body, typed_.pool);
}

base::Result<RollBackend> Roll::look_at(const std::string& name) const {
  const auto view = look();
  if (!view) return view.error();
  for (const RollBackend& backend : view->backends) {
    if (backend.name == name) return backend;
  }
  return stopped(fmt::format("{} is not configured any more", full(name)));
}

/// Keeps the pool ours, at the backend that is out now.
base::Result<void> Roll::keep(std::string_view verb) {
  const Json body = {{"id", id_}, {"backend", at_}, {"by", by_}};
  const auto response = http_post(where_, path(verb), base::json_text(body), patience_);
  if (!response) return response.error();
  if (response->status == 409) return stopped(printable_line(response->body));
  if (response->status != 200) return Error{ErrorCode::Io, printable_line(response->body)};
  kept_ = Clock::now();
  return {};
}

base::Result<void> Roll::meanwhile() {
  if (g_is_interrupted != 0) return stopped("interrupted");
  if (Clock::now() - kept_ < kRenewEvery) return {};
  auto kept = keep("roll/renew");
  // A proxy that does not respond is asked again; before the next backend it has to respond.
  if (!kept && kept.error().code == ErrorCode::Unavailable) return kept;
  return {};
}

base::Result<void> Roll::order(const std::string& name, std::string_view what) {
  CtlOrder order{.word = std::string(what), .target = full(name), .deadline = {}, .wait = false};
  if (what == "drain") order.deadline = typed_.deadline;
  const auto where_to = order_path(order);
  const auto body = order_body(order);
  if (!where_to || !body) return !where_to ? where_to.error() : body.error();
  const auto response = http_post(where_, *where_to, *body, patience_);
  if (!response) return response.error();
  if (response->status != 200) return stopped(printable_line(response->body));
  const auto done = order_words(order, response->body);
  if (!done) return done.error();
  if (!done->is_recorded) print_line_(done->text);
  return {};
}

base::Result<void> Roll::wait_for(const char* what, const std::function<base::Result<bool>()>& holds) {
  const auto patience = base::parse_duration(typed_.up_timeout).value_or(base::Duration{});
  const auto due = Clock::now() + patience;
  for (;;) {
    if (auto fine = meanwhile(); !fine) return fine;
    const auto now = holds();
    if (now && *now) return {};
    if (Clock::now() >= due) {
      return now ? stopped(fmt::format("{} {} within {}", full(at_), what, typed_.up_timeout)) : now.error();
    }
    std::this_thread::sleep_for(kStep);
  }
}

base::Result<bool> Roll::all_proxies_reach(const std::string& name) const {
  const auto response = http_get(where_, "/api/v1/cluster", patience_);
  if (!response) return response.error();
  const Json json = base::parse_json(response->body);
  if (!json.is_object() || !json.contains("nodes") || !json["nodes"].is_array()) return true;
  return std::all_of(json["nodes"].begin(), json["nodes"].end(), [&](const Json& proxy) {
    const Json sees = proxy.value("sees", Json::object());
    return flag_in(proxy, "self", false) || !sees.contains(full(name)) ||
           text_in(sees[full(name)], "probe") == "passing";
  });
}

base::Result<void> Roll::run_command(const RollBackend& backend) {
  print_line_(fmt::format("{}: drained; running the command\n", full(backend.name)));
  const auto code = run_child(
      typed_.command,
      {{"HOLDFAST_POOL", typed_.pool}, {"HOLDFAST_BACKEND", backend.name}, {"HOLDFAST_ADDRESS", backend.address}},
      [this] { static_cast<void>(meanwhile()); });
  if (!code) return code.error();
  if (*code != 0) return stopped(fmt::format("the command ended with code {}", *code));
  return meanwhile();
}

/// In maintenance until the probes pass again: a restart is no failure, and nobody is told of one.
base::Result<void> Roll::come_back(const std::string& name, const std::string& after) {
  print_line_(fmt::format("{}: waiting for its probes to pass\n", full(name)));
  auto well = wait_for("has not passed its probes", [&]() -> base::Result<bool> {
    const auto backend = look_at(name);
    if (!backend) return backend.error();
    return is_well_since(*backend, after) ? all_proxies_reach(name) : false;
  });
  if (!well) return well;
  if (auto ready = order(name, "ready"); !ready) return ready;
  stays_ = "is ready";
  return wait_for("is not UP with its full share", [&]() -> base::Result<bool> {
    const auto backend = look_at(name);
    if (!backend) return backend.error();
    return backend->state == "UP" && !backend->is_growing;
  });
}

base::Result<void> Roll::one(const RollBackend& backend) {
  if (auto kept = keep("roll"); !kept) return kept;
  const auto view = look();
  if (!view) return view.error();
  if (auto may = may_take_out(*view, typed_.pool, backend.name); !may) return may;
  if (auto drained = order(backend.name, "drain"); !drained) return drained;
  stays_ = "stays drained";
  if (auto empty =
          wait_until_drained(where_, full(backend.name), patience_, print_line_, [this] { return meanwhile(); });
      !empty) {
    return empty;
  }
  if (auto maint = order(backend.name, "maint"); !maint) return maint;
  stays_ = "stays in maintenance";
  if (auto ran = run_command(backend); !ran) return ran;
  const auto after = look();
  if (!after) return after.error();
  return come_back(backend.name, after->now);
}

base::Result<void> Roll::each(const RollView& first) {
  const auto& all = first.backends;
  auto next = std::find_if(all.begin(), all.end(),
                           [&](const RollBackend& each) { return typed_.from.empty() || each.name == typed_.from; });
  if (next == all.end()) return stopped(fmt::format("there is no {} in pool {}", typed_.from, typed_.pool));
  for (; next != all.end(); ++next) {
    const auto place = next - all.begin() + 1;
    at_ = next->name;
    stays_ = "was not touched";
    print_line_(fmt::format("{} ({} of {}) at {}: draining\n", full(at_), place, all.size(), next->address));
    const auto done = one(*next);
    if (done) {
      print_line_(fmt::format("{}: UP\n", full(at_)));
      continue;
    }
    std::string text = fmt::format("stopped at {} ({} of {}): {}; {} {}", full(at_), place, all.size(),
                                   done.error().text, full(at_), stays_);
    for (auto rest = next + 1; rest != all.end(); ++rest) {
      text += fmt::format("{}{}", rest == next + 1 ? "; not touched: " : ", ", full(rest->name));
    }
    return stopped(text + fmt::format("; to continue: --from {}", at_));
  }
  print_line_(fmt::format("all {} of {} done\n", all.size(), typed_.pool));
  return {};
}

base::Result<void> Roll::run() {
  const auto first = look();
  if (!first) return first.error();
  if (auto kept = keep("roll"); !kept) return kept;
  auto done = each(*first);
  static_cast<void>(http_post(where_, path("roll/end"), base::json_text(Json{{"id", id_}}), patience_));
  return done;
}

}  // namespace

base::Result<RollView> roll_view(std::string_view status, std::string_view pool) {
  const Json json = base::parse_json(status);
  const auto at = Json::json_pointer("/pools/" + std::string(pool) + "/backends");
  if (!json.is_object() || !json.contains(at)) {
    return Error{ErrorCode::Malformed, fmt::format("the proxy has no pool {}", pool)};
  }
  RollView view{.now = text_in(json, "time"), .backends = {}};
  for (const auto& entry : json.at(at).items()) view.backends.push_back(backend_of(entry.key(), entry.value()));
  return view;
}

base::Result<void> may_take_out(const RollView& view, std::string_view pool, std::string_view backend) {
  bool has_others = false;
  for (const RollBackend& other : view.backends) {
    if (other.name == backend) continue;
    has_others = true;
    if (other.state != "UP") {
      return stopped(
          fmt::format("{}/{} is {}, and only one backend may be out at a time", pool, other.name, other.state));
    }
  }
  return has_others ? base::Result<void>{} : stopped("there is no other backend for its users");
}

bool is_well_since(const RollBackend& backend, std::string_view after) {
  return backend.probe == "passing" && backend.passed && (backend.probed.empty() || backend.probed > after);
}

base::Result<void> check_roll(const CtlRoll& typed) {
  const auto invalid = [](std::string text) { return Error{ErrorCode::Invalid, std::move(text)}; };
  if (!is_plain_name(typed.pool)) return invalid(fmt::format("\"{}\" is not a pool name", typed.pool));
  if (!typed.from.empty() && !is_plain_name(typed.from))
    return invalid(fmt::format("\"{}\" is not a backend name", typed.from));
  if (typed.command.empty()) return invalid("--each: expected a command");
  for (const auto& [option, text] :
       {std::pair<const char*, const std::string&>{"--deadline", typed.deadline}, {"--up-timeout", typed.up_timeout}}) {
    const auto length = base::parse_duration(text);
    if (!length || *length <= base::Duration::zero()) {
      return invalid(fmt::format("{} \"{}\": expected a duration such as 10m", option, text));
    }
  }
  return {};
}

base::Result<void> roll(const AdminUrl& where, const CtlRoll& typed, base::Duration patience,
                        const PrintLine& print_line) {
  const Interruptible interruptible;
  g_is_interrupted = 0;
  return Roll(where, typed, patience, print_line).run();
}

}  // namespace holdfast::ctl
