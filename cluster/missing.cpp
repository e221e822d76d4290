#include "cluster/missing.h"

#include <algorithm>

namespace holdfast::cluster {

void Missing::note(const Roster::MembershipChange& change, const std::vector<ProxyReport>& others, base::Instant now) {
  for (const std::string& id : change.left) {
    const std::string name = id.substr(0, id.rfind('#'));
    std::erase_if(proxies_, [&](const MissingProxy& proxy) { return proxy.name == name; });
    proxies_.push_back({.name = name, .id = id, .left = now});
  }
  // The lease of a proxy that was killed and started again ends while the new one is there already: ours, too.
  const auto is_there = [&](const MissingProxy& proxy) {
    return proxy.name == own_name_ || std::any_of(others.begin(), others.end(),
                                                  [&](const ProxyReport& other) { return other.name == proxy.name; });
  };
  std::erase_if(proxies_, [&](const MissingProxy& proxy) { return is_there(proxy) || now - proxy.left > kKept; });
  if (proxies_.size() > kNamesMax)
    proxies_.erase(proxies_.begin(), proxies_.end() - static_cast<std::ptrdiff_t>(kNamesMax));
}

void Missing::on_goodbye(std::string_view id) {
  std::erase_if(proxies_, [&](const MissingProxy& proxy) { return proxy.id == id; });
}

std::vector<std::string> Missing::names() const {
  std::vector<std::string> out;
  out.reserve(proxies_.size());
  for (const MissingProxy& proxy : proxies_) out.push_back(proxy.name);
  return out;
}

}  // namespace holdfast::cluster
