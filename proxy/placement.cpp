#include "proxy/placement.h"

#include <algorithm>
#include <utility>

namespace holdfast::proxy {

namespace {

// A compare-and-set that is lost is adopted; more losses in a row than this mean that everything is moving.
constexpr int kMovesMax = 4;
// How far a cookie's clock may be ahead of ours.
constexpr base::Duration kClockSkew = std::chrono::minutes{5};

bool is_in(std::span<const conf::BackendId> list, conf::BackendId id) {
  return std::find(list.begin(), list.end(), id) != list.end();
}

// Our cookie is given anew when half the idle timeout has passed, so a live session's is never older than that when the
// user falls idle: what is older than one and a half idle timeouts belongs to nobody who is still here.
base::Duration refresh_after(const Snapshot& snapshot) { return snapshot.settings->sessions.idle_timeout / 2; }
base::Duration accepted_age(const Snapshot& snapshot) { return snapshot.settings->sessions.idle_timeout * 3 / 2; }

}  // namespace

std::optional<conf::BackendId> Placement::first(const Tools& tools, const conf::Pool& pool, const Identity& who,
                                                std::uint64_t client_hash) {
  switch (who.kind) {
    case Identity::Kind::OwnCookie:
      return by_own_cookie(tools, pool, who.held);
    case Identity::Kind::AppCookie:
    case Identity::Kind::Header:
      key_ = tools.keyring.session_key(pool.name, who.held);
      return by_key(tools, pool, Stickiness::Unknown);
    case Identity::Kind::SourceIp:
      key_ = tools.keyring.session_key(pool.name, who.held);
      return by_key(tools, pool, Stickiness::New);
    case Identity::Kind::None:
      break;
  }
  if (pool.sticky.mode == conf::StickyMode::Cookie && who.stickiness_applies)
    return fresh(tools, pool, Stickiness::New);
  key_.low = client_hash;
  return pick(tools, {});
}

std::optional<conf::BackendId> Placement::again(const Tools& tools, const conf::Pool& pool,
                                                std::span<const conf::BackendId> tried) {
  return has_session_ ? displaced(tools, pool, tried) : pick(tools, tried);
}

std::optional<conf::BackendId> Placement::by_own_cookie(const Tools& tools, const conf::Pool& pool,
                                                        std::string_view cookie) {
  const auto id = sessions::peek_id(cookie);
  if (!id) return fresh(tools, pool, Stickiness::Forged);
  id_ = *id;
  key_ = tools.keyring.session_key(pool.name, std::span<const std::uint8_t, 16>(id_));
  if (const auto found = tools.store.find(key_, tools.now)) {
    has_session_ = true;
    binding_ = found->binding;
    word_ = Stickiness::Kept;
    cookie_ = tools.now - found->cookie_issued > refresh_after(tools.snapshot) ? Cookie::Give : Cookie::Good;
    return settle(tools, pool);
  }
  // The map has forgotten it, or never knew: the cookie itself says where to go, if it is ours.
  const auto ticket = sessions::open(cookie, tools.keyring);
  if (!ticket) return fresh(tools, pool, Stickiness::Forged);
  const base::Duration age = base::wall_now() - ticket->issued;
  if (age > accepted_age(tools.snapshot) || age < -kClockSkew) return fresh(tools, pool, Stickiness::Expired);
  // One host may route to several pools: the first one's cookie names the user in all of them, but says where to go in
  // its own only.
  const auto other = tools.snapshot.by_tag.find(ticket->backend);
  if (other != tools.snapshot.by_tag.end() && tools.snapshot.settings->backend(other->second).pool != pool.id) {
    return by_key(tools, pool, Stickiness::New);
  }
  has_session_ = true;
  binding_ = tools.store.bind(key_, {ticket->backend, ticket->generation}, tools.now);
  word_ = Stickiness::Kept;
  cookie_ = Cookie::Give;
  return settle(tools, pool);
}

std::optional<conf::BackendId> Placement::by_key(const Tools& tools, const conf::Pool& pool, Stickiness when_missed) {
  if (const auto found = tools.store.find(key_, tools.now)) {
    binding_ = found->binding;
    word_ = Stickiness::Kept;
  } else {
    // Held by the client, unknown to us: every proxy would choose the same backend for it without asking anybody.
    const auto wanted = pick_by_hash(tools, {});
    if (!wanted) return std::nullopt;
    binding_ = tools.store.bind(key_, {tools.snapshot.tag_of(*wanted), sessions::Generation::None}, tools.now);
    word_ = when_missed;
  }
  has_session_ = true;
  return settle(tools, pool);
}

std::optional<conf::BackendId> Placement::fresh(const Tools& tools, const conf::Pool& pool, Stickiness word) {
  id_ = sessions::random_id();
  key_ = tools.keyring.session_key(pool.name, std::span<const std::uint8_t, 16>(id_));
  const auto wanted = pick(tools, {});
  if (!wanted) return std::nullopt;
  binding_ = tools.store.bind(key_, {tools.snapshot.tag_of(*wanted), sessions::Generation::None}, tools.now);
  has_session_ = true;
  word_ = word;
  cookie_ = Cookie::Give;
  return wanted;
}

std::optional<conf::BackendId> Placement::settle(const Tools& tools, const conf::Pool& pool) {
  const auto bound = tools.snapshot.backend_of(pool, binding_.backend);
  if (bound && health::may_keep(tools.view.of(*bound).state)) return bound;
  return displaced(tools, pool, {});
}

std::optional<conf::BackendId> Placement::displaced(const Tools& tools, const conf::Pool& pool,
                                                    std::span<const conf::BackendId> tried) {
  // A backend that has left the configuration never comes back to its sessions: only a move helps.
  const bool may_return = tools.snapshot.backend_of(pool, binding_.backend).has_value();
  if (may_return && pool.sticky.failover == conf::FailoverMode::Refuse) return std::nullopt;
  if (may_return && pool.sticky.failover == conf::FailoverMode::Temporary) {
    word_ = Stickiness::Temporary;
    return pick_by_hash(tools, tried);
  }
  return move(tools, pool, tried);
}

std::optional<conf::BackendId> Placement::move(const Tools& tools, const conf::Pool& pool,
                                               std::span<const conf::BackendId> tried) {
  for (int i = 0; i < kMovesMax; ++i) {
    const auto wanted = pick(tools, tried);
    if (!wanted) return std::nullopt;
    const sessions::BackendTag to = tools.snapshot.tag_of(*wanted);
    const auto from = tools.snapshot.backend_of(pool, binding_.backend);
    const sessions::Binding seen = binding_;
    binding_ = tools.store.move(key_, seen, to, tools.now);
    if (cookie_ != Cookie::NotOurs) cookie_ = Cookie::Give;
    const bool won = binding_.backend == to &&
                     static_cast<std::uint32_t>(binding_.generation) == static_cast<std::uint32_t>(seen.generation) + 1;
    word_ = won ? Stickiness::Moved : Stickiness::Kept;
    if (won) moved_from_ = from;
    const auto now_bound = tools.snapshot.backend_of(pool, binding_.backend);
    if (now_bound && !is_in(tried, *now_bound) && health::may_keep(tools.view.of(*now_bound).state)) return now_bound;
  }
  return std::nullopt;
}

std::optional<conf::BackendId> Placement::pick(const Tools& tools, std::span<const conf::BackendId> tried) const {
  return tools.balancer.choose({.now = tools.now, .hash = key_.low, .exclude = tried, .loads = tools.loads});
}

std::optional<conf::BackendId> Placement::pick_by_hash(const Tools& tools,
                                                       std::span<const conf::BackendId> tried) const {
  return tools.balancer.choose_by_hash({.now = tools.now, .hash = key_.low, .exclude = tried, .loads = tools.loads});
}

std::string Placement::cookie_to_give(const Tools& tools) {
  if (cookie_ != Cookie::Give) return {};
  cookie_ = Cookie::Good;
  tools.store.cookie_issued(key_, tools.now);
  return sessions::seal({id_, binding_.backend, binding_.generation, base::wall_now()}, tools.keyring);
}

void Placement::learn(const Tools& tools, const conf::Pool& pool, conf::BackendId served_by, std::string_view value) {
  const sessions::Key key = tools.keyring.session_key(pool.name, value);
  if (has_session_ && key == key_) return;
  tools.store.bind(key, {tools.snapshot.tag_of(served_by), sessions::Generation::None}, tools.now);
  word_ = Stickiness::Learned;
}

void Placement::ended_by_app(const Tools& tools, const conf::Pool& pool, std::string_view value) {
  if (has_session_) tools.store.end(key_);
  if (!value.empty()) tools.store.end(tools.keyring.session_key(pool.name, value));
}

}  // namespace holdfast::proxy
