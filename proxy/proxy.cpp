#include "proxy/proxy.h"

#include <algorithm>
#include <utility>

#include "proxy/client_h1.h"
#include "proxy/error_page.h"

namespace holdfast::proxy {

namespace {
// Clients looked at for the longest idle one. Looking at all would make a flood of connections expensive.
constexpr std::size_t kIdleSearch = 64;

/// What is under way there has to hear of it.
bool is_to_be_left(const health::Verdict& before, const health::Verdict& now) {
  return (health::may_keep(before.state) && !health::may_keep(now.state)) ||
         (now.state == health::State::Down && before.state != health::State::Down) ||
         (now.ends_long && !before.ends_long) || (now.silent && !before.silent);
}
}  // namespace

Proxy::Proxy(base::Scheduler& scheduler, net::Dialer& dialer, const Shared& shared, ProxyListener& listener,
             std::shared_ptr<const Snapshot> snapshot, std::shared_ptr<const health::View> view, std::uint64_t seed)
    : context_(scheduler, dialer, shared, listener, std::move(snapshot), std::move(view), seed), exchanges_(context_) {
  context_.grants = this;
}

Proxy::~Proxy() { clients_.clear(); }

void Proxy::accept(std::unique_ptr<net::Stream> stream, std::size_t listen) {
  context_.counters.connections_accepted.add();
  if (context_.is_draining || context_.is_leaving) return turn_away(std::move(stream));
  const std::uint32_t most = std::min(context_.settings().limits.connections, context_.shared.connections_max);
  if (context_.shared.connections.load(std::memory_order_relaxed) >= most) {
    ClientConnection* idle = longest_idle();
    if (idle == nullptr || !idle->close_if_idle()) return turn_away(std::move(stream));
    context_.counters.connections_displaced.add();
  }
  context_.shared.connections.fetch_add(1, std::memory_order_relaxed);
  context_.counters.connections_open.add();
  clients_.push_back(std::make_unique<ClientH1>(context_, static_cast<ClientOwner&>(*this), std::move(stream), listen));
  ClientConnection& client = *clients_.back();
  client.place = static_cast<std::uint32_t>(clients_.size() - 1);
  client.start();
}

ClientConnection* Proxy::longest_idle() {
  ClientConnection* best = nullptr;
  for (std::size_t i = 0; i < std::min(kIdleSearch, clients_.size()); ++i) {
    clock_hand_ = clock_hand_ + 1 < clients_.size() ? clock_hand_ + 1 : 0;
    ClientConnection& client = *clients_[clock_hand_];
    if (client.is_idle() && (best == nullptr || client.idle_since() < best->idle_since())) best = &client;
  }
  return best;
}

void Proxy::turn_away(std::unique_ptr<net::Stream> stream) {
  context_.counters.connections_refused.add();
  context_.scratch.text.clear();
  append_error_response(context_.scratch.text, 503, {.after = After::Close});
  const iovec pieces[] = {piece(context_.scratch.text)};
  stream->write(pieces);
  stream->shutdown_write();
  context_.scheduler.bury(std::move(stream));
}

void Proxy::on_client_closed(ClientConnection& client) {
  context_.shared.connections.fetch_sub(1, std::memory_order_relaxed);
  context_.counters.connections_open.subtract();
  const std::size_t place = client.place;
  auto closed = std::move(clients_[place]);
  if (place + 1 != clients_.size()) {
    clients_[place] = std::move(clients_.back());
    clients_[place]->place = static_cast<std::uint32_t>(place);
  }
  clients_.pop_back();
  context_.scheduler.bury(std::move(closed));
  report_if_drained();
}

void Proxy::report_if_drained() {
  const bool is_ending = context_.is_draining || context_.is_leaving;
  if (!is_ending || !clients_.empty() || std::exchange(has_reported_drained_, true)) return;
  context_.listener.on_drained();
}

void Proxy::on_granted(conf::BackendId backend, TicketId ticket) {
  const auto found = context_.waiting.find(ticket);
  if (found == context_.waiting.end()) return context_.shared.concurrency.leave(backend);  // given up meanwhile
  Attempt& attempt = *found->second;
  context_.waiting.erase(found);
  attempt.on_granted();
}

void Proxy::set_view(std::shared_ptr<const health::View> view) {
  bool is_one_left = false;
  for (std::size_t i = 0; i < context_.view->backends.size(); ++i) {
    const conf::BackendId id{static_cast<std::uint32_t>(i)};
    const health::Verdict& before = context_.view->of(id);
    const health::Verdict& now = view->of(id);
    if (health::may_keep(before.state) && !health::may_keep(now.state)) context_.pool.drain(id);
    is_one_left = is_one_left || is_to_be_left(before, now);
  }
  context_.set_view(std::move(view));
  if (!is_one_left) return;
  for (std::size_t i = clients_.size(); i-- > 0;) clients_[i]->on_view();  // backwards: closing one moves the last
}

void Proxy::set_quarantine(std::shared_ptr<const QuarantineView> quarantine) {
  context_.quarantine = std::move(quarantine);
  const std::vector<Dispatch*> waiting = context_.awaiting_verdict;  // each may leave, none of them another
  for (Dispatch* each : waiting) each->on_quarantine_view();
}

void Proxy::set_snapshot(std::shared_ptr<const Snapshot> snapshot, std::shared_ptr<const health::View> view,
                         std::span<const std::optional<std::size_t>> listens) {
  for (const conf::Backend& backend : context_.settings().backends) {
    const std::size_t at = conf::index(backend.id);
    const bool stays =
        snapshot->settings->has(backend.id) && snapshot->addresses[at] == context_.snapshot->addresses[at];
    if (!stays) context_.pool.drain(backend.id);
  }
  context_.set_snapshot(std::move(snapshot), std::move(view));
  exchanges_.forget_old_snapshots();
  for (std::size_t i = clients_.size(); i-- > 0;) {
    if (!clients_[i]->is_leaving()) clients_[i]->on_snapshot(listens[clients_[i]->listen()]);
  }
  for (std::size_t i = clients_.size(); i-- > 0;) clients_[i]->on_view();
}

void Proxy::leave() {
  context_.is_leaving = true;
  report_if_drained();
}

void Proxy::drain() {
  context_.is_draining = true;
  report_if_drained();
  for (std::size_t i = clients_.size(); i-- > 0;) clients_[i]->drain();
}

void Proxy::abort() {
  while (!clients_.empty()) clients_.back()->close();
}

}  // namespace holdfast::proxy
