#include "admin/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <vector>

namespace holdfast::admin {

namespace {

constexpr std::size_t kPoolsNamedMax = 3;
constexpr std::size_t kBackendsNamedMax = 4;
constexpr std::size_t kProxiesNamedMax = 3;

struct Tally {
  std::size_t all = 0;
  std::size_t up = 0;
  std::size_t keeping = 0;  // may at least serve the sessions they have

  void add(const BackendView& backend) {
    ++all;
    up += backend.state == health::State::Up ? 1u : 0u;
    keeping += health::may_keep(backend.state) ? 1u : 0u;
  }
};

Tally tally_of(const PoolView& pool) {
  Tally tally;
  for (const BackendView& backend : pool.backends) tally.add(backend);
  return tally;
}

std::string plural(std::uint64_t count, std::string_view word) {
  return fmt::format("{} {}{}", count, word, count == 1 ? "" : "s");
}

// "app2 DOWN (refused), app3 MAINT"
std::string troubles_of(const PoolView& pool) {
  std::string out;
  std::size_t named = 0;
  std::size_t left_out = 0;
  for (const BackendView& backend : pool.backends) {
    if (backend.state == health::State::Up) continue;
    if (named == kBackendsNamedMax) {
      ++left_out;
      continue;
    }
    ++named;
    fmt::format_to(std::back_inserter(out), "{}{} {}", out.empty() ? "" : ", ", backend.name, name_of(backend.state));
    if (!backend.reason.empty()) fmt::format_to(std::back_inserter(out), " ({})", backend.reason);
  }
  if (left_out > 0) fmt::format_to(std::back_inserter(out), " and {} more", left_out);
  return out;
}

std::string trouble_text(const PoolView& pool, const Tally& tally) {
  if (tally.all == 0) return fmt::format("Pool {} has no backend", pool.name);
  const std::string who = troubles_of(pool);
  if (tally.keeping == 0) return fmt::format("NO backend of pool {} serving: {}", pool.name, who);
  if (pool.state == "fail_open") return fmt::format("Pool {} sick, serving anyway: {}", pool.name, who);
  return fmt::format("{} of {} backends of pool {} serving: {}", tally.up, tally.all, pool.name, who);
}

std::string all_well_text(const StatusView& view) {
  if (view.pools.empty()) return "No pool configured";
  std::size_t all = 0;
  for (const PoolView& pool : view.pools) all += pool.backends.size();
  const std::string_view which = all == 1 ? "The" : "All";
  const std::string backends = all == 1 ? "backend" : plural(all, "backend");
  if (view.pools.size() == 1) return fmt::format("{} {} of pool {} serving", which, backends, view.pools[0].name);
  return fmt::format("{} {} of {} serving", which, backends, plural(view.pools.size(), "pool"));
}

std::string pools_text(const StatusView& view) {
  std::vector<const PoolView*> troubled;
  for (const PoolView& pool : view.pools) {
    const Tally tally = tally_of(pool);
    if (tally.up < tally.all || tally.keeping == 0) troubled.push_back(&pool);
  }
  if (troubled.empty()) return all_well_text(view);
  std::stable_sort(troubled.begin(), troubled.end(), [](const PoolView* a, const PoolView* b) {
    return tally_of(*a).keeping == 0 && tally_of(*b).keeping > 0;
  });
  std::string out;
  for (std::size_t i = 0; i < troubled.size() && i < kPoolsNamedMax; ++i) {
    if (i > 0) out += "; ";
    out += trouble_text(*troubled[i], tally_of(*troubled[i]));
  }
  if (troubled.size() > kPoolsNamedMax) {
    fmt::format_to(std::back_inserter(out), "; {} more with problems",
                   plural(troubled.size() - kPoolsNamedMax, "pool"));
  }
  return out;
}

bool is_full(const PoolView& pool) { return pool.sessions_max > 0 && pool.sessions >= pool.sessions_max; }

// "; pool shop full (1000 of 1000 sessions)"
std::string full_text(const StatusView& view) {
  std::string out;
  for (const PoolView& pool : view.pools) {
    if (!is_full(pool)) continue;
    fmt::format_to(std::back_inserter(out), "; pool {} full ({} of {} sessions)", pool.name, pool.sessions,
                   pool.sessions_max);
  }
  return out;
}

// ", lb2 gone without a goodbye"
std::string missing_text(const std::vector<std::string>& names) {
  if (names.empty()) return {};
  const auto named = static_cast<std::ptrdiff_t>(std::min(names.size(), kProxiesNamedMax));
  std::string out = fmt::format(", {}", fmt::join(names.begin(), names.begin() + named, ", "));
  if (names.size() > kProxiesNamedMax) {
    fmt::format_to(std::back_inserter(out), " and {} more", names.size() - kProxiesNamedMax);
  }
  return out + " gone without a goodbye";
}

// "; 3 proxies, led by lb1"
std::string cluster_text(const ClusterView& cluster) {
  if (cluster.state == "off") return {};
  if (cluster.state == "alone") {
    return fmt::format("; this proxy alone ({}){}", cluster.reason, missing_text(cluster.missing));
  }
  std::string out = fmt::format("; {} {}", cluster.proxies.size(), cluster.proxies.size() == 1 ? "proxy" : "proxies");
  const auto away =
      std::count_if(cluster.proxies.begin(), cluster.proxies.end(), [](const ProxyView& n) { return n.cut_off; });
  if (away > 0) fmt::format_to(std::back_inserter(out), ", {} of them cut off", away);
  if (!cluster.leader.empty()) fmt::format_to(std::back_inserter(out), ", led by {}", cluster.leader);
  out += missing_text(cluster.missing);
  if (!cluster.reason.empty()) fmt::format_to(std::back_inserter(out), " ({})", cluster.reason);
  return out;
}

}  // namespace

std::string summary_text(const StatusView& view) {
  std::string out;
  if (!view.readiness.ready) out = fmt::format("Not ready ({}); ", view.readiness.reason);
  fmt::format_to(std::back_inserter(out), "{}{}; {}; redis {}", pools_text(view), full_text(view),
                 plural(view.sessions(), "session"), view.redis.state);
  if (!view.redis.reason.empty()) fmt::format_to(std::back_inserter(out), " ({})", view.redis.reason);
  out += cluster_text(view.cluster);
  return out;
}

Severity severity_of(const StatusView& view) {
  Severity severity = view.readiness.ready && view.redis.state != "degraded" ? Severity::Good : Severity::Warn;
  const bool any_away = std::any_of(view.cluster.proxies.begin(), view.cluster.proxies.end(),
                                    [](const ProxyView& proxy) { return proxy.cut_off; });
  if (view.cluster.state == "alone" || !view.cluster.reason.empty() || any_away) severity = Severity::Warn;
  if (!view.cluster.missing.empty())
    severity = Severity::Warn;  // users go through the others; a server is down all the same
  for (const PoolView& pool : view.pools) {
    const Tally tally = tally_of(pool);
    if (tally.keeping == 0) return Severity::Bad;
    if (tally.up < tally.all || is_full(pool)) severity = Severity::Warn;
  }
  return severity;
}

}  // namespace holdfast::admin
