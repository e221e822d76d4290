#include "server/quarantine_control.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"

namespace holdfast::server {

namespace {

// Workers hear of a death one after the other: so long after the first failed probe all that was lost is told.
constexpr base::Duration kSettle = std::chrono::milliseconds{50};
// What was lost longer before the probe than this was lost otherwise.
constexpr base::Duration kTogether = std::chrono::seconds{2};
// Responses that clear suspects come by the hundred after a crash.
constexpr base::Duration kPublishEvery = std::chrono::milliseconds{100};
// No quarantine is longer, whatever another proxy says.
constexpr base::Duration kLeftMax = std::chrono::hours{24 * 366};

/// The process is not there, or about to go. Whoever answers badly, or late, lives.
constexpr bool means_dead(health::Reason reason) {
  return health::means_gone(reason) || reason == health::Reason::ProbeReset || reason == health::Reason::ProbeClosed;
}

std::string id_text(std::uint64_t id) { return fmt::format("{:016x}", id); }

using Json = nlohmann::ordered_json;

/// For other proxies: times by the clock on the wall.
std::string text_of(const proxy::QuarantineBook::Entry& entry, base::Duration left) {
  const auto until = base::wall_now() + std::chrono::duration_cast<std::chrono::milliseconds>(left);
  const Json json = {{"pool", entry.pool},
                     {"backend", entry.backend},
                     {"method", entry.method},
                     {"path", entry.path},
                     {"crashes", entry.crashes},
                     {"since", entry.since.time_since_epoch().count()},
                     {"until", until.time_since_epoch().count()},
                     {"print",
                      {entry.fingerprint.head, entry.fingerprint.length, entry.fingerprint.body,
                       static_cast<std::uint64_t>(entry.fingerprint.client)}}};
  return base::json_text(json);
}

/// nullopt: not understood, or over. `until` is a moment of this process.
std::optional<proxy::QuarantineBook::Entry> parse_entry(std::string_view text, base::Instant now) {
  const Json json = base::parse_json(text);
  const auto is_text = [&](const char* key) { return json.contains(key) && json[key].is_string(); };
  const auto is_number = [&](const char* key) { return json.contains(key) && json[key].is_number_integer(); };
  if (!json.is_object() || !is_text("pool") || !is_text("backend") || !is_text("method") || !is_text("path") ||
      !is_number("crashes") || !is_number("since") || !is_number("until") || !json.contains("print")) {
    return std::nullopt;
  }
  const Json& fingerprint = json["print"];
  if (!fingerprint.is_array() || fingerprint.size() != 4) return std::nullopt;
  if (!std::all_of(fingerprint.begin(), fingerprint.end(),
                   [](const Json& part) { return part.is_number_unsigned(); })) {
    return std::nullopt;
  }
  proxy::QuarantineBook::Entry entry;
  entry.fingerprint = {fingerprint[0].get<std::uint64_t>(), fingerprint[1].get<std::uint64_t>(),
                       fingerprint[2].get<std::uint64_t>(), proxy::ClientTag{fingerprint[3].get<std::uint64_t>()}};
  entry.pool = json["pool"].get<std::string>();
  entry.backend = json["backend"].get<std::string>();
  entry.method = json["method"].get<std::string>();
  entry.path = json["path"].get<std::string>();
  entry.crashes = json["crashes"].get<std::uint32_t>();
  entry.since = base::WallTime{std::chrono::milliseconds{json["since"].get<std::int64_t>()}};
  const std::int64_t left = std::max<std::int64_t>(json["until"].get<std::int64_t>(), 0) -
                            base::wall_now().time_since_epoch() / std::chrono::milliseconds{1};
  if (left <= 0 || left > kLeftMax / std::chrono::milliseconds{1}) return std::nullopt;
  entry.last = now;
  entry.until = now + std::chrono::milliseconds{left};
  return entry;
}

}  // namespace

QuarantineControl::QuarantineControl(std::shared_ptr<const conf::Settings> settings, base::Scheduler& scheduler,
                                     Owner& owner)
    : settings_(std::move(settings)),
      scheduler_(scheduler),
      owner_(owner),
      judge_(scheduler.timer([this] { judge_due(); })),
      publish_timer_(scheduler.timer([this] { publish(); })) {}

void QuarantineControl::share(redis::Redis& redis, net::Dialer& dialer, base::Random& random) {
  resolver_ = std::make_unique<net::SystemResolver>(scheduler_);
  share_ = std::make_unique<cluster::QuarantineShare>(redis, scheduler_, settings_->redis.prefix,
                                                      static_cast<cluster::QuarantineShare::Listener&>(*this));
  subscription_ = std::make_unique<redis::RedisSubscription>(
      redis::RedisContext{scheduler_, dialer, *resolver_, random.next()}, settings_->redis,
      std::vector<std::string>{share_->channel()}, *share_);
}

bool QuarantineControl::on_shared(std::string_view, std::string_view text) {
  const auto entry = parse_entry(text, scheduler_.now());
  if (!entry) return false;
  if (book_.adopt(*entry)) {
    base::log::info("request_quarantined_elsewhere",
                    {{"pool", entry->pool}, {"id", id_text(id_of(entry->fingerprint))}, {"path", entry->path}});
    publish();
  }
  return true;
}

void QuarantineControl::on_released(std::string_view id) {
  for (const auto& at : book_.entries()) {
    if (!at.second.is_quarantined || id_text(at.first) != id) continue;
    book_.release(at.first);  // ends the loop: it is another book now
    return publish();
  }
}

void QuarantineControl::on_shared_again() {
  for (const auto& at : book_.entries()) {
    if (at.second.is_quarantined) notify_others(at.second);
  }
}

void QuarantineControl::notify_others(const proxy::QuarantineBook::Entry& entry) {
  const base::Duration left = entry.until - scheduler_.now();
  if (share_ && left > base::Duration::zero())
    share_->put(id_text(id_of(entry.fingerprint)), text_of(entry, left), left);
}

QuarantineControl::Watched& QuarantineControl::watched(conf::BackendId backend) {
  if (watched_.size() <= conf::index(backend)) watched_.resize(conf::index(backend) + 1);
  return watched_[conf::index(backend)];
}

void QuarantineControl::on_lost(const proxy::LostRequest& lost) {
  if (!settings_->has(lost.backend)) return;
  Watched& backend = watched(lost.backend);
  if (backend.lost.size() >= kLostMax) return;
  backend.lost.push_back(lost);
  if (!backend.is_dead || backend.judge_at) return;
  backend.is_late = true;
  judge_soon(backend);
}

void QuarantineControl::on_answered(const proxy::Fingerprint& fingerprint) {
  if (book_.on_answered(fingerprint)) publish_soon();
}

void QuarantineControl::on_probed(conf::BackendId id, health::Reason reason, base::Instant began) {
  Watched& backend = watched(id);
  if (!means_dead(reason)) {
    // Alive, or hung: neither is the death of a process. A probe that was under way may have been answered before.
    if (health::means_alive(reason)) backend.is_dead = false;
    return acquit(id, began);
  }
  std::erase_if(backend.lost, [&](const proxy::LostRequest& lost) { return began - lost.at > kTogether; });
  if (backend.lost.empty() || backend.judge_at) return;
  backend.is_late = false;
  judge_soon(backend);
}

void QuarantineControl::acquit(conf::BackendId id, base::Instant until) {
  Watched& backend = watched(id);
  if (backend.lost.empty() || backend.judge_at) return;
  if (std::erase_if(backend.lost, [&](const proxy::LostRequest& lost) { return lost.at <= until; }) == 0) return;
  set_judged(id, until);
  publish();
}

void QuarantineControl::judge_soon(Watched& backend) {
  backend.judge_at = scheduler_.now() + kSettle;
  if (!judge_->is_set()) judge_->set(*backend.judge_at);
}

void QuarantineControl::judge_due() {
  const base::Instant now = scheduler_.now();
  std::optional<base::Instant> next;
  for (std::size_t i = 0; i < watched_.size(); ++i) {
    Watched& backend = watched_[i];
    if (!backend.judge_at) continue;
    if (*backend.judge_at <= now) {
      judge(conf::BackendId{static_cast<std::uint32_t>(i)});
    } else if (!next || *backend.judge_at < *next) {
      next = backend.judge_at;
    }
  }
  if (next) judge_->set(*next);
}

void QuarantineControl::judge(conf::BackendId id) {
  Watched& backend = watched(id);
  backend.judge_at.reset();
  if (!backend.is_late) {
    backend.is_dead = true;
    backend.crash_number = ++crashes_;
  }
  const std::vector<proxy::LostRequest> lost = std::exchange(backend.lost, {});
  set_judged(id, scheduler_.now());
  if (settings_->has(id) && !owner_.is_ordered(id)) {
    const conf::Pool& pool = settings_->pool_of(id);
    const auto fresh = book_.on_crash({.pool = pool.name,
                                       .backend = settings_->backend(id).name,
                                       .rules = pool.quarantine,
                                       .crash_number = backend.crash_number,
                                       .is_whole = !backend.is_late,
                                       .now = scheduler_.now(),
                                       .wall = base::wall_now()},
                                      lost);
    for (const proxy::QuarantineBook::Entry& entry : fresh) {
      base::log::warn("request_quarantined",
                      {{"pool", entry.pool},
                       {"backend", entry.backend},
                       {"id", id_text(id_of(entry.fingerprint))},
                       {"method", entry.method},
                       {"path", entry.path},
                       {"caller", entry.fingerprint.client == proxy::ClientTag::Everybody ? "all" : "one"},
                       {"crashes", entry.crashes},
                       {"for_ms", base::count_ms(pool.quarantine.duration)}});
      notify_others(entry);
    }
  }
  publish();
}

void QuarantineControl::set_judged(conf::BackendId id, base::Instant until) {
  if (judged_.size() <= conf::index(id)) judged_.resize(conf::index(id) + 1);
  judged_[conf::index(id)] = std::max(judged_[conf::index(id)], until);
}

void QuarantineControl::publish_soon() {
  if (!publish_timer_->is_set()) publish_timer_->set(scheduler_.now() + kPublishEvery);
}

void QuarantineControl::publish() {
  publish_timer_->cancel();
  auto view = std::make_shared<proxy::QuarantineView>();
  for (const auto& at : book_.entries()) {
    const proxy::QuarantineBook::Entry& entry = at.second;
    view->entries.emplace(entry.fingerprint.head, proxy::QuarantineView::Entry{.fingerprint = entry.fingerprint,
                                                                               .is_quarantined = entry.is_quarantined,
                                                                               .until = entry.until});
  }
  view->judged_until = judged_;
  owner_.on_quarantine(std::move(view));
}

void QuarantineControl::on_tick() {
  const base::Instant now = scheduler_.now();
  for (Watched& backend : watched_) {
    if (backend.judge_at) continue;
    std::erase_if(backend.lost, [&](const proxy::LostRequest& lost) { return now - lost.at > 2 * kTogether; });
  }
  if (share_) share_->on_tick();
  const auto over = book_.expire(now);
  for (const proxy::QuarantineBook::Entry& entry : over) {
    if (share_) share_->forget(id_text(id_of(entry.fingerprint)));
  }
  if (!over.empty()) publish();
}

std::vector<admin::QuarantinedRequest> QuarantineControl::quarantined() const {
  std::vector<admin::QuarantinedRequest> out;
  const base::Instant now = scheduler_.now();
  for (const auto& [id, entry] : book_.entries()) {
    if (!entry.is_quarantined || entry.until <= now) continue;
    admin::QuarantinedRequest view;
    view.id = id_text(id);
    view.pool = entry.pool;
    view.backend = entry.backend;
    view.method = entry.method;
    view.path = entry.path;
    view.is_for_all = entry.fingerprint.client == proxy::ClientTag::Everybody;
    view.crashes = entry.crashes;
    view.since = entry.since;
    view.left = entry.until - now;
    out.push_back(std::move(view));
  }
  return out;
}

bool QuarantineControl::release(std::string_view id, std::string_view by) {
  for (const auto& at : book_.entries()) {
    if (!at.second.is_quarantined || id_text(at.first) != id) continue;
    for (const proxy::QuarantineBook::Entry& entry : book_.release(at.first)) {
      const std::string released = id_text(id_of(entry.fingerprint));
      base::log::info("quarantine_released",
                      {{"pool", entry.pool}, {"id", released}, {"path", entry.path}, {"by", by}});
      if (share_) share_->release(released);
    }
    publish();
    return true;
  }
  return false;
}

}  // namespace holdfast::server
