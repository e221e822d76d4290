#include "proxy/placement.h"

#include <algorithm>
#include <utility>

#include "sessions/order.h"

namespace holdfast::proxy {

namespace {

// A compare-and-set that is lost is adopted; more losses in a row than this mean that everything is moving.
constexpr int kMovesMax = 4;
// How far a cookie's clock may be ahead of ours: somebody may have set ours back since we made it.
constexpr base::Duration kClockSkew = std::chrono::hours{2};
// A client that never returns its companion is given one so often.
constexpr base::Duration kGiveAgain = std::chrono::minutes{1};

bool is_in(std::span<const conf::BackendId> list, conf::BackendId id) {
  return std::find(list.begin(), list.end(), id) != list.end();
}

// Our cookie is given anew when half the idle timeout has passed, so a live session's is never older than that when the
// user falls idle: what is older than one and a half idle timeouts belongs to nobody who is still here.
base::Duration refresh_after(const Snapshot& snapshot) { return snapshot.settings->sessions.idle_timeout / 2; }
bool is_of_another_pool(const Placement::Tools& tools, const conf::Pool& pool, const sessions::Ticket& ticket) {
  const auto other = tools.snapshot.by_tag.find(ticket.backend);
  return other != tools.snapshot.by_tag.end() && tools.snapshot.settings->backend(other->second).pool != pool.id;
}

// Where places are counted, who has been away longer than the idle timeout has lost his: his cookie brings him back as
// anybody new. Others may come back as long as their session could be alive somewhere.
base::Duration accepted_age(const Snapshot& snapshot, const conf::Pool& pool) {
  const base::Duration idle = snapshot.settings->sessions.idle_timeout;
  return snapshot.limits[conf::index(pool.id)] ? idle : idle * 3 / 2;
}

bool is_in_time(const Placement::Tools& tools, const conf::Pool& pool, const sessions::Ticket& ticket) {
  const base::Duration age = base::wall_now() - ticket.issued;
  return age <= accepted_age(tools.snapshot, pool) && age >= -kClockSkew;
}

/// It says where to go in this pool, now.
bool counts(const Placement::Tools& tools, const conf::Pool& pool, const sessions::Ticket& ticket) {
  return is_in_time(tools, pool, ticket) && !is_of_another_pool(tools, pool, ticket);
}

}  // namespace

std::optional<conf::BackendId> Placement::first(const Tools& tools, const conf::Pool& pool, const Identity& who,
                                                std::uint64_t client_hash, const ShownTickets* shown) {
  if (shown != nullptr) {
    companion_.is_on = who.stickiness_applies;
    companion_.has_cookies = shown->has_cookies;
    companion_.is_returned = shown->count > 0;
  }
  switch (who.kind) {
    case Identity::Kind::OwnCookie:
      return by_own_cookie(tools, pool, who.held);
    case Identity::Kind::AppCookie:
      shown_by_ = who.name;
      [[fallthrough]];
    case Identity::Kind::Header:
      if (!pool.sticky.headers.empty()) by_address_ = client_hash;
      key_ = tools.keyring.session_key(pool.name, who.held);
      shown_ = key_.low;
      return by_key(tools, pool, Stickiness::Unknown, shown);
    case Identity::Kind::SourceIp:
      key_ = tools.keyring.session_key(pool.name, who.held);
      shown_ = key_.low;
      return by_key(tools, pool, Stickiness::New);
    case Identity::Kind::None:
      break;
  }
  if (pool.sticky.mode == conf::StickyMode::Cookie && who.stickiness_applies)
    return fresh(tools, pool, Stickiness::New);
  key_.low = client_hash;
  if (!who.stickiness_applies) return pick(tools, {});
  if (shown != nullptr && companion_.is_returned) {
    if (const auto choice = by_own_ticket(tools, pool, *shown); choice || is_waiting()) return choice;
  }
  if (pool.sticky.mode == conf::StickyMode::AppCookie) return come_in(tools, pool, Entry::Visit);
  return pool.sticky.headers.empty() ? pick(tools, {}) : pick_by_hash(tools, {});
}

Placement::Choice Placement::again(const Tools& tools, const conf::Pool& pool, Tried tried, Choice wish) {
  moves_ = 0;
  if (has_session_) return displaced(tools, pool, tried, wish);
  return wish ? wish : pick(tools, tried);
}

Placement::Choice Placement::answered(const Tools& tools, const conf::Pool& pool, const sessions::BindResult& holds,
                                      Tried tried) {
  question_.reset();
  return asking_ == Asking::Bind ? settle(tools, pool, holds) : moved(tools, pool, holds, tried);
}

Placement::Choice Placement::by_own_cookie(const Tools& tools, const conf::Pool& pool, std::string_view cookie) {
  const auto* const shown = tools.last_cookie.read(cookie, pool, tools.keyring);
  if (shown == nullptr) return fresh(tools, pool, Stickiness::Forged);
  id_ = shown->id;
  key_ = shown->key;
  shown_ = key_.low;
  word_ = Stickiness::Kept;
  if (const auto found = tools.store.find(pool.name, key_, tools.now)) {
    if (shown->claimed > found->binding.generation) {  // read unopened: whether it is true costs a MAC
      const auto ticket = sessions::open(cookie, tools.keyring);
      if (ticket && counts(tools, pool, *ticket)) {
        cookie_ = Cookie::Give;
        return bind(tools, pool, {ticket->backend, ticket->generation});
      }
    }
    if (found->cookie_issued != base::Instant{}) {
      cookie_ = tools.now - found->cookie_issued > refresh_after(tools.snapshot) ? Cookie::Give : Cookie::Good;
    } else if (const auto ticket = sessions::open(cookie, tools.keyring);
               ticket && !is_of_another_pool(tools, pool, *ticket)) {
      cookie_ = Cookie::Give;  // who gave it, and when, is not known here
    }
    return found->is_sure ? settle(tools, pool, {found->binding, false}) : bind(tools, pool, found->binding);
  }
  // The map has forgotten it, or never knew: the cookie itself says where to go, if it is ours.
  const auto ticket = sessions::open(cookie, tools.keyring);
  if (!ticket) return fresh(tools, pool, Stickiness::Forged);
  if (!is_in_time(tools, pool, *ticket)) return fresh(tools, pool, Stickiness::Expired);
  // One host may route to several pools: the first one's cookie names the user in all of them, but says where to go in
  // its own only.
  if (is_of_another_pool(tools, pool, *ticket)) return by_key(tools, pool, Stickiness::New);
  cookie_ = Cookie::Give;
  return bind(tools, pool, {ticket->backend, ticket->generation});
}

Placement::Choice Placement::by_key(const Tools& tools, const conf::Pool& pool, Stickiness when_missed,
                                    const ShownTickets* shown) {
  if (shown != nullptr) look_at_claims(*shown);
  const auto found = tools.store.find(pool.name, key_, tools.now);
  word_ = found ? Stickiness::Kept : when_missed;
  if (found) companion_.given = found->cookie_issued;
  const sessions::Generation holds = found ? found->binding.generation : sessions::Generation::None;
  const bool is_settled = found && found->is_sure && !sessions::is_guess(holds);
  if (shown != nullptr && companion_.claimed > (is_settled ? holds : sessions::Generation::None)) {
    const auto ticket = best_companion(tools, pool, *shown);
    companion_.is_unfit = !ticket;
    const sessions::Binding ticketed =
        ticket ? sessions::Binding{ticket->backend, ticket->generation} : sessions::Binding{};
    if (ticket && (!found || sessions::is_later(key_, ticketed, found->binding))) {
      word_ = Stickiness::Kept;
      return bind(tools, pool, ticketed);
    }
  }
  if (!found) return come_in(tools, pool, Entry::Bind);
  return found->is_sure ? settle(tools, pool, {found->binding, false}) : bind(tools, pool, found->binding);
}

void Placement::look_at_claims(const ShownTickets& shown) {
  const sessions::SessionId id = sessions::companion_id(key_);
  for (const std::string_view text : shown.all()) {
    const auto claim = sessions::peek(text, sessions::TicketKind::Companion);
    if (!claim || claim->id != id || claim->generation <= companion_.claimed) continue;
    companion_.claimed = claim->generation;
    companion_.issued = claim->issued;
  }
}

/// Of those that open for this very session and count, the one with the highest generation.
std::optional<sessions::Ticket> Placement::best_companion(const Tools& tools, const conf::Pool& pool,
                                                          const ShownTickets& shown) const {
  const sessions::SessionId id = sessions::companion_id(key_);
  std::optional<sessions::Ticket> best;
  for (const std::string_view text : shown.all()) {
    const auto ticket = sessions::open(text, tools.keyring, sessions::TicketKind::Companion);
    if (!ticket || ticket->id != id || !counts(tools, pool, *ticket)) continue;
    if (!best || ticket->generation > best->generation) best = ticket;
  }
  return best;
}

/// A client without a session of the app, whom our own ticket brings back.
Placement::Choice Placement::by_own_ticket(const Tools& tools, const conf::Pool& pool, const ShownTickets& shown) {
  for (const std::string_view text : shown.all()) {
    const auto ticket = sessions::open(text, tools.keyring);
    if (!ticket || !counts(tools, pool, *ticket)) continue;
    id_ = ticket->id;
    key_ = tools.keyring.session_key(pool.name, std::span<const std::uint8_t, 16>(id_));
    shown_ = key_.low;
    word_ = Stickiness::Kept;
    const bool is_old = base::wall_now() - ticket->issued > refresh_after(tools.snapshot);
    cookie_ = is_old ? Cookie::Give : Cookie::Good;
    return bind(tools, pool, {ticket->backend, ticket->generation});
  }
  return std::nullopt;
}

Placement::Choice Placement::fresh(const Tools& tools, const conf::Pool& pool, Stickiness word) {
  id_ = sessions::random_id();
  key_ = tools.keyring.session_key(pool.name, std::span<const std::uint8_t, 16>(id_));
  word_ = word;
  has_session_ = false;
  return come_in(tools, pool, Entry::Begin);
}

/// A session begins, or may begin: where the pool has limits, not without a place.
Placement::Choice Placement::come_in(const Tools& tools, const conf::Pool& pool, Entry entry) {
  entry_ = entry;
  is_coming_in_ = true;
  // What the client holds already, every proxy would send to the same backend without asking anybody. And who shows
  // nothing may be about to get a token: the first request with it will go the same way.
  const bool is_shown = entry == Entry::Bind || entry == Entry::Revive;
  const bool by_hash = is_shown || (entry == Entry::Visit && !pool.sticky.headers.empty());
  const auto wanted = by_hash ? pick_by_hash(tools, full_) : pick(tools, full_);
  if (!wanted) return refuse(!full_.empty());
  if (is_last_resort(tools, pool, *wanted)) return refuse(true);
  const auto& limits = tools.snapshot.limits[conf::index(pool.id)];
  if (!limits) return enter(tools, pool, *wanted);
  to_ = tools.snapshot.tag_of(*wanted);
  sessions::AskedAdmission asked =
      tools.store.admit({.pool = pool.name, .key = is_shown ? &key_ : nullptr, .backend = to_, .limits = limits},
                        tools.now, tools.handler);
  if (!asked.later) return admitted(tools, pool, std::move(asked.now));
  asking_ = Asking::Admission;
  question_ = std::move(asked.later);
  return std::nullopt;
}

/// Standby, sick, or the second of a failover pool: those are for when others are down, not for when they are full.
bool Placement::is_last_resort(const Tools& tools, const conf::Pool& pool, conf::BackendId wanted) const {
  const auto is_backup = [&](conf::BackendId id) { return tools.snapshot.settings->backend(id).backup; };
  const auto is_up = [&](conf::BackendId id) { return health::may_take_new(tools.view.of(id).state); };
  return std::any_of(full_.begin(), full_.end(), [&](conf::BackendId full) {
    return is_up(full) &&
           (pool.balance == conf::BalanceMethod::Failover || !is_up(wanted) || (is_backup(wanted) && !is_backup(full)));
  });
}

Placement::Choice Placement::refuse(bool for_want_of_room) {
  is_refused_ = for_want_of_room;
  word_ = Stickiness::None;
  return std::nullopt;
}

Placement::Choice Placement::admitted(const Tools& tools, const conf::Pool& pool, sessions::Admission admission) {
  using Outcome = sessions::Admission::Outcome;
  question_.reset();
  switch (admission.outcome) {
    case Outcome::PoolFull:
      return refuse(true);
    case Outcome::BackendFull:
      note_full(tools, pool, admission.full);
      return come_in(tools, pool, entry_);
    case Outcome::Admitted:
    case Outcome::IsIn:
      break;
  }
  reservation_ = std::move(admission.reservation);
  if (const auto wanted = tools.snapshot.backend_of(pool, to_)) return enter(tools, pool, *wanted);
  // A reload has taken it away meanwhile.
  reservation_.reset();
  return ++moves_ > kMovesMax ? std::nullopt : come_in(tools, pool, entry_);
}

void Placement::note_full(const Tools& tools, const conf::Pool& pool, std::span<const sessions::BackendTag> tags) {
  for (const sessions::BackendTag tag : tags) {
    const auto full = tools.snapshot.backend_of(pool, tag);
    if (full && !is_in(full_, *full)) full_.push_back(*full);
  }
}

Placement::Choice Placement::enter(const Tools& tools, const conf::Pool& pool, conf::BackendId backend) {
  const sessions::BackendTag tag = tools.snapshot.tag_of(backend);
  switch (entry_) {
    case Entry::Visit:
      return backend;
    case Entry::Bind:
      return bind(tools, pool, {tag, sessions::Generation::None});
    case Entry::Revive:
      return move(tools, pool, backend, {});
    case Entry::Begin:
      break;
  }
  binding_ = tools.store.begin(pool.name, key_, tag, tools.now).binding();
  reservation_.reset();
  has_session_ = is_unserved_ = true;
  cookie_ = Cookie::Give;
  return backend;
}

Placement::Choice Placement::bind(const Tools& tools, const conf::Pool& pool, const sessions::Binding& wanted) {
  sessions::Asked asked = tools.store.bind(pool.name, key_, wanted, tools.now, tools.handler);
  if (!asked.later) return settle(tools, pool, asked.now);
  asking_ = Asking::Bind;
  question_ = std::move(asked.later);
  return std::nullopt;
}

Placement::Choice Placement::settle(const Tools& tools, const conf::Pool& pool, const sessions::BindResult& holds) {
  reservation_.reset();
  has_session_ = true;
  is_unserved_ = holds.is_ours && holds.generation == sessions::kFirstGuess;
  binding_ = holds.binding();
  if (holds.backend == sessions::BackendTag::Ended) return revive(tools, pool);
  const auto bound = tools.snapshot.backend_of(pool, binding_.backend);
  if (bound && health::may_keep(tools.view.of(*bound).state)) return bound;
  return displaced(tools, pool, {});
}

/// The session was ended. Who comes with our cookie gets a new one; an id of the app's own begins anew.
Placement::Choice Placement::revive(const Tools& tools, const conf::Pool& pool) {
  if (cookie_ != Cookie::NotOurs) return fresh(tools, pool, Stickiness::Expired);
  word_ = Stickiness::Unknown;
  return come_in(tools, pool, Entry::Revive);
}

Placement::Choice Placement::displaced(const Tools& tools, const conf::Pool& pool, Tried tried, Choice wish) {
  // A backend that has left the configuration never comes back to its sessions: only a move helps.
  // Nor is there anything to return to where nobody has served it yet.
  const bool may_return = !is_unserved_ && tools.snapshot.backend_of(pool, binding_.backend).has_value();
  if (may_return && pool.sticky.failover == conf::FailoverMode::Refuse) return std::nullopt;
  // A proxy that is cut off may be wrong about the backend, so it moves no session.
  if (may_return && (pool.sticky.failover == conf::FailoverMode::Temporary || tools.view.is_isolated)) {
    word_ = Stickiness::Temporary;
    return wish ? wish : pick_by_hash(tools, tried);
  }
  return move(tools, pool, wish ? wish : pick(tools, tried), tried);
}

Placement::Choice Placement::move(const Tools& tools, const conf::Pool& pool, std::optional<conf::BackendId> to,
                                  Tried tried) {
  if (!to || ++moves_ > kMovesMax) return std::nullopt;
  to_ = tools.snapshot.tag_of(*to);
  sessions::Asked asked = tools.store.move(pool.name, key_, binding_, to_, tools.now, tools.handler);
  if (!asked.later) return moved(tools, pool, asked.now, tried);
  asking_ = Asking::Move;
  question_ = std::move(asked.later);
  return std::nullopt;
}

Placement::Choice Placement::moved(const Tools& tools, const conf::Pool& pool, const sessions::BindResult& holds,
                                   Tried tried) {
  reservation_.reset();
  const sessions::Binding seen = std::exchange(binding_, holds.binding());
  if (cookie_ != Cookie::NotOurs) cookie_ = Cookie::Give;
  if (seen.backend != sessions::BackendTag::Ended) word_ = holds.is_ours ? Stickiness::Moved : Stickiness::Kept;
  if (holds.is_ours) moved_from_ = tools.snapshot.backend_of(pool, seen.backend);
  if (holds.backend == sessions::BackendTag::Ended) return revive(tools, pool);
  const auto bound = tools.snapshot.backend_of(pool, holds.backend);
  if (bound && !is_in(tried, *bound) && health::may_keep(tools.view.of(*bound).state)) return bound;
  return move(tools, pool, pick(tools, tried), tried);
}

std::optional<conf::BackendId> Placement::pick(const Tools& tools, std::span<const conf::BackendId> tried) const {
  return tools.balancer.choose({.now = tools.now,
                                .hash = key_.low,
                                .exclude = tried,
                                .for_session = has_session_ || is_coming_in_,
                                .loads = tools.loads});
}

std::optional<conf::BackendId> Placement::pick_by_hash(const Tools& tools,
                                                       std::span<const conf::BackendId> tried) const {
  return tools.balancer.choose_by_hash(
      {.now = tools.now, .hash = by_address_.value_or(key_.low), .exclude = tried, .loads = tools.loads});
}

Placement::TicketAction Placement::ticket_action(const Tools& tools, const conf::Pool& pool) const {
  if (cookie_ == Cookie::Give) return TicketAction::Give;
  if (!companion_.is_on) return TicketAction::None;
  if (companion_.learned) return TicketAction::Give;
  if (companion_.is_ended) return companion_.is_returned ? TicketAction::Expire : TicketAction::None;
  if (cookie_ == Cookie::Good) return TicketAction::None;
  if (pool.sticky.mode == conf::StickyMode::Header && !companion_.has_cookies) return TicketAction::None;
  // Nothing of the app's that would name the session: ours does, so that a wrong cookie's name is not no stickiness.
  if (!has_session_) return pool.sticky.mode == conf::StickyMode::AppCookie ? TicketAction::Give : TicketAction::None;
  const bool is_missing = companion_.claimed == sessions::Generation::None || companion_.is_unfit;
  if (is_missing) {
    const bool is_given = companion_.given != base::Instant{} && tools.now - companion_.given < kGiveAgain;
    return is_given ? TicketAction::None : TicketAction::Give;
  }
  const bool is_old = base::wall_now() - companion_.issued > refresh_after(tools.snapshot);
  return is_old || companion_.claimed < binding_.generation ? TicketAction::Give : TicketAction::None;
}

std::string Placement::ticket_to_give(const Tools& tools, const conf::Pool& pool, conf::BackendId served_by) {
  const base::WallTime now = base::wall_now();
  if (!companion_.learned && companion_.is_on && !has_session_) {
    // Nobody is told of it before it comes back: then the ticket binds it.
    id_ = sessions::random_id();
    key_ = tools.keyring.session_key(pool.name, std::span<const std::uint8_t, 16>(id_));
    binding_ = {tools.snapshot.tag_of(served_by), sessions::kFirstKnown};
    cookie_ = Cookie::Give;
  }
  if (cookie_ == Cookie::Give && !companion_.learned) {
    cookie_ = Cookie::Good;
    tools.store.cookie_issued(key_, tools.now);
    return sessions::seal({id_, binding_.backend, binding_.generation, now}, tools.keyring);
  }
  const sessions::Key key = companion_.learned.value_or(key_);
  const sessions::Binding of = companion_.learned ? companion_.binding : binding_;
  tools.store.cookie_issued(key, tools.now);
  return sessions::seal({sessions::companion_id(key), of.backend, of.generation, now}, tools.keyring,
                        sessions::TicketKind::Companion);
}

void Placement::learn(const Tools& tools, const conf::Pool& pool, conf::BackendId served_by, std::string_view name,
                      std::string_view value) {
  const sessions::Key key = tools.keyring.session_key(pool.name, value);
  const bool is_this = has_session_ && key == key_;
  if (is_this && !sessions::is_guess(binding_.generation)) return;
  if (has_session_ && !is_this && is_unserved_ && name == shown_by_) {
    // An id of long ago, which the app has not known either: nobody will show it again, and nobody waits for its end.
    const auto question = tools.store.end(pool.name, key_, tools.now, sessions::Ending::Forget, tools.handler);
    has_session_ = false;
  }
  if (has_session_ && cookie_ != Cookie::NotOurs && companion_.is_on) {
    // Our own ticket has led here; from now on the app's session does.
    const auto question = tools.store.end(pool.name, key_, tools.now, sessions::Ending::Forget, tools.handler);
    has_session_ = false;
    cookie_ = Cookie::NotOurs;
  }
  const auto wait = is_login_awaited() ? sessions::Store::Wait::Yes : sessions::Store::Wait::No;
  sessions::Asked learned =
      tools.store.learn(pool.name, key, tools.snapshot.tag_of(served_by), wait, tools.now, tools.handler);
  companion_.learned = key;
  companion_.binding = learned.now.binding();
  await(std::move(learned.later));
  reservation_.reset();
  word_ = Stickiness::Learned;
}

/// The next request may come by any proxy. Who returns our tickets brings its binding along, and who has shown no
/// cookie at all gets one now; of the others every proxy must know before they do.
bool Placement::is_login_awaited() const {
  return !companion_.is_on || (companion_.has_cookies && !companion_.is_returned);
}

void Placement::ended_by_app(const Tools& tools, const conf::Pool& pool, std::string_view name,
                             std::string_view value) {
  companion_.is_ended = true;
  if (has_session_ && name == shown_by_) {
    end(tools, pool, key_);
    has_session_ = false;
  }
  if (value.empty()) return;
  end(tools, pool, tools.keyring.session_key(pool.name, value));
}

void Placement::keep_alive(const Tools& tools, const conf::Pool& pool) const {
  if (has_session_) tools.store.find(pool.name, key_, tools.now);
}

void Placement::end(const Tools& tools, const conf::Pool& pool) {
  if (!has_session_) return;
  end(tools, pool, key_);
  cookie_ = Cookie::NotOurs;  // no cookie for what is over
  companion_.is_ended = true;
}

void Placement::end(const Tools& tools, const conf::Pool& pool, const sessions::Key& key) {
  await(tools.store.end(pool.name, key, tools.now, sessions::Ending::Mark, tools.handler));
}

void Placement::await(std::unique_ptr<sessions::Question> question) {
  if (!question) return;
  publishing_.push_back(std::move(question));
  ++publishing_open_;
}

bool Placement::published() {
  if (publishing_open_ == 0 || --publishing_open_ > 0) return false;
  publishing_.clear();
  return true;
}

}  // namespace holdfast::proxy
