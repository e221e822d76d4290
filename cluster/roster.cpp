#include "cluster/roster.h"

#include <algorithm>
#include <utility>

namespace holdfast::cluster {

namespace {

ProxyReport* find(std::vector<ProxyReport>& proxies, std::string_view id) {
  const auto it =
      std::find_if(proxies.begin(), proxies.end(), [&](const ProxyReport& proxy) { return proxy.id() == id; });
  return it == proxies.end() ? nullptr : &*it;
}

void keep_newer(ProxyReport& now, const ProxyReport& before) {
  for (const auto& [backend, seen] : before.sees) {
    if (seen.number > now.number) now.sees.insert_or_assign(backend, seen);
  }
}

}  // namespace

Roster::MembershipChange Roster::update(std::vector<ProxyReport> live, base::Instant now) {
  updated_ = now;
  std::erase_if(live, [this](const ProxyReport& proxy) { return proxy.id() == own_id_; });
  std::sort(live.begin(), live.end(), [](const ProxyReport& a, const ProxyReport& b) { return a.id() < b.id(); });
  MembershipChange change;
  for (ProxyReport& proxy : live) {
    if (const ProxyReport* before = find(others_, proxy.id())) {
      keep_newer(proxy, *before);
    } else {
      change.joined.push_back(proxy.id());
    }
  }
  for (const ProxyReport& proxy : others_) {
    if (find(live, proxy.id()) == nullptr) change.left.push_back(proxy.id());
  }
  others_ = std::move(live);
  return change;
}

bool Roster::apply_update(const Broadcast& broadcast) {
  ProxyReport* proxy = find(others_, broadcast.proxy);
  if (proxy == nullptr) return false;
  if (proxy->sees.size() >= kBackendsSeenMax && !proxy->sees.contains(broadcast.backend)) return false;
  Observation& seen = proxy->sees[broadcast.backend];
  if (seen.number >= broadcast.seen.number) return false;
  seen = broadcast.seen;
  return true;
}

bool Roster::remove(std::string_view id) {
  return std::erase_if(others_, [&](const ProxyReport& proxy) { return proxy.id() == id; }) > 0;
}

void Roster::forget() {
  others_.clear();
  updated_.reset();
}

std::size_t Roster::duplicate_names(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(others_.begin(), others_.end(), [&](const ProxyReport& proxy) { return proxy.name == name; }));
}

health::Share Roster::share(Standing own, base::Instant epoch) const {
  if (own == Standing::CutOff) return {};
  health::Share share{.index = 0, .count = 1, .epoch = epoch};
  for (const ProxyReport& proxy : others_) {
    if (proxy.standing == Standing::CutOff) continue;
    ++share.count;
    if (proxy.id() < own_id_) ++share.index;
  }
  if (share.count == 1) return {};
  return share;
}

}  // namespace holdfast::cluster
