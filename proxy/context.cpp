#include "proxy/context.h"

#include "base/text.h"
#include "proxy/exchange.h"

namespace holdfast::proxy {

Context::Context(base::Scheduler& s, net::Dialer& d, const Shared& all, Reports& r,
                 std::shared_ptr<const Snapshot> snap, std::shared_ptr<const health::View> v, std::uint64_t seed)
    : scheduler(s),
      dialer(d),
      shared(all),
      reports(r),
      snapshot(std::move(snap)),
      pool(s, settings().backends.size(), settings().limits.backend_idle, settings().timeouts.backend_idle),
      counters(settings().pools.size(), settings().backends.size()),
      random(seed),
      scratch(std::make_unique<std::array<char, kScratchBytes>>()) {
  balancers.reserve(settings().pools.size());
  budgets.reserve(settings().pools.size());
  for (const conf::Pool& each : settings().pools) {
    balancers.emplace_back(each.id, random.next());
    budgets.emplace_back(each.retry, shared.workers);
  }
  set_view(std::move(v));
}

Context::~Context() = default;

void Context::set_view(std::shared_ptr<const health::View> v) {
  view = std::move(v);
  for (Balancer& balancer : balancers) balancer.update(settings(), *view);
}

std::string_view Context::date() {
  if (date_.empty() || now() - date_made_ >= std::chrono::seconds{1}) {
    date_ = base::http_date_text(base::wall_now());
    date_made_ = now();
  }
  return date_;
}

}  // namespace holdfast::proxy
