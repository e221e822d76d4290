#include "server/quarantine_control.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace holdfast::server {

namespace {

// Workers hear of a death one after the other: so long after the first failed probe all that was lost is told.
constexpr base::Duration kSettle = std::chrono::milliseconds{50};
// What was lost longer before the probe than this was lost otherwise.
constexpr base::Duration kTogether = std::chrono::seconds{2};
// Responses that clear suspects come by the hundred after a crash.
constexpr base::Duration kPublishEvery = std::chrono::milliseconds{100};

/// The process is not there, or about to go. Whoever answers badly, or late, lives.
constexpr bool means_dead(health::Reason reason) {
  return health::means_gone(reason) || reason == health::Reason::ProbeReset || reason == health::Reason::ProbeClosed;
}

}  // namespace

QuarantineControl::QuarantineControl(std::shared_ptr<const conf::Settings> settings, base::Scheduler& scheduler,
                                     Owner& owner)
    : settings_(std::move(settings)),
      scheduler_(scheduler),
      owner_(owner),
      judge_(scheduler.timer([this] { judge_due(); })),
      publish_timer_(scheduler.timer([this] { publish(); })) {}

void QuarantineControl::share(redis::RedisHub& hub) {
  share_ = std::make_unique<QuarantineShare>(hub.redis(), scheduler_, settings_->redis.prefix, book_,
                                             static_cast<QuarantineShare::Owner&>(*this));
  hub.subscribe({share_->channel()}, *share_);
}

void QuarantineControl::on_shared(const proxy::QuarantineBook::Entry& entry) {
  base::log::info("request_quarantined_elsewhere",
                  {{"pool", entry.pool}, {"id", id_text(id_of(entry.fingerprint))}, {"path", entry.path}});
  publish();
}

void QuarantineControl::on_released(std::string_view id) {
  for (const auto& at : book_.entries()) {
    if (!at.second.is_quarantined || id_text(at.first) != id) continue;
    book_.release(at.first);  // ends the loop: it is another book now
    return publish();
  }
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
      if (share_) share_->put(entry);
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
    if (share_) share_->forget(entry);
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
      if (share_) share_->release(entry);
    }
    publish();
    return true;
  }
  return false;
}

}  // namespace holdfast::server
