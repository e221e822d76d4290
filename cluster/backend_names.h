#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "conf/settings.h"

namespace holdfast::cluster {

/// The backends as the proxies call them: "pool/backend". Their ids are each process's own, and their configurations
/// need not be the same.
class BackendNames {
 public:
  using ByName = std::map<std::string, conf::BackendId, std::less<>>;

  explicit BackendNames(const conf::Settings& settings) { reload(settings); }

  void reload(const conf::Settings& settings) {
    by_name_.clear();
    for (const conf::Backend& backend : settings.backends) by_name_.emplace(name_in(settings, backend.id), backend.id);
  }
  const ByName& by_name() const { return by_name_; }
  /// nullopt: not configured here.
  std::optional<conf::BackendId> find(std::string_view name) const {
    const auto it = by_name_.find(name);
    return it == by_name_.end() ? std::nullopt : std::optional(it->second);
  }
  static std::string name_in(const conf::Settings& settings, conf::BackendId backend) {
    return settings.pool_of(backend).name + "/" + settings.backend(backend).name;
  }

 private:
  ByName by_name_;
};

}  // namespace holdfast::cluster
