#pragma once

#include <initializer_list>
#include <list>
#include <string_view>

#include "base/check.h"
#include "tests/support/proxy.h"
#include "tests/support/test_backend.h"

namespace holdfast::support {

/// Several scripted backends that a proxy is put in front of.
class Fleet {
 public:
  explicit Fleet(std::initializer_list<const char*> names, const std::string& host = kLoopback) {
    for (const char* name : names) backends_.emplace_back(name, host);
  }

  TestBackend& operator[](std::string_view name) {
    for (auto& backend : backends_) {
      if (backend.name() == name) return backend;
    }
    base::check(false, "a backend of that name is in the fleet");
    return backends_.front();
  }
  std::list<TestBackend>& all() { return backends_; }
  std::vector<BackendConfig> configs() const {
    std::vector<BackendConfig> configs;
    for (const auto& backend : backends_) configs.push_back({backend.name(), backend.port(), {}, backend.host()});
    return configs;
  }
  /// The same script on all of them.
  void on(std::string_view path, const TestBackend::Script& script) {
    for (auto& backend : backends_) backend.on(path, script);
  }
  std::size_t count(std::string_view id = {}) const {
    std::size_t sum = 0;
    for (const auto& backend : backends_) sum += backend.count(id);
    return sum;
  }
  std::size_t executed(std::string_view id = {}) const {
    std::size_t sum = 0;
    for (const auto& backend : backends_) sum += backend.executed(id);
    return sum;
  }

 private:
  std::list<TestBackend> backends_;
};

}  // namespace holdfast::support
