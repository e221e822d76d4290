#include "proxy/context.h"

#include "base/text.h"

namespace holdfast::proxy {

Context::Context(base::Scheduler& s, net::Dialer& d, const Shared& all, ProxyListener& l,
                 std::shared_ptr<const Snapshot> snap, std::shared_ptr<const health::View> v, std::uint64_t seed)
    : scheduler(s),
      dialer(d),
      shared(all),
      listener(l),
      snapshot(std::move(snap)),
      pool(s, settings().backend_ids(), settings().limits.backend_idle, settings().timeouts.backend_idle),
      random(seed) {
  make_room();
  set_view(std::move(v));
}

/// For all that is kept by the ids there are now.
void Context::make_room() {
  pool.configure(settings().backend_ids(), settings().limits.backend_idle, settings().timeouts.backend_idle);
  counters.pool.grow(settings().pool_ids());
  counters.backend.grow(settings().backend_ids());
  while (balancers.size() < settings().pool_ids()) {
    const conf::PoolId id{static_cast<std::uint32_t>(balancers.size())};
    balancers.emplace_back(id, random.next());
    budgets.emplace_back(conf::Retry{}, shared.workers);
  }
  for (const conf::Pool& each : settings().pools) budgets[conf::index(each.id)].configure(each.retry);
}

void Context::set_snapshot(std::shared_ptr<const Snapshot> snap, std::shared_ptr<const health::View> v) {
  snapshot = std::move(snap);
  make_room();
  set_view(std::move(v));
}

Context::~Context() = default;

void Context::set_view(std::shared_ptr<const health::View> v) {
  view = std::move(v);
  for (const conf::Pool& each : settings().pools) balancers[conf::index(each.id)].update(settings(), *view);
}

std::string_view Context::date() {
  if (date_.empty() || now() - date_made_ >= std::chrono::seconds{1}) {
    date_ = base::http_date_text(base::wall_now());
    date_made_ = now();
  }
  return date_;
}

}  // namespace holdfast::proxy
