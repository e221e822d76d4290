#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "proxy/exchange.h"

namespace holdfast::proxy {

/// Exchanges that are not in use, so that a request allocates none. One per worker, on its thread.
class ExchangePool {
 public:
  explicit ExchangePool(Context& context) : context_(context) {}

  std::unique_ptr<Exchange> take() {
    if (spare_.empty()) return std::make_unique<Exchange>(context_);
    std::unique_ptr<Exchange> exchange = std::move(spare_.back());
    spare_.pop_back();
    return exchange;
  }
  /// Of one that is over, perhaps still on the stack.
  void give_back(std::unique_ptr<Exchange>&& exchange) {
    if (spare_.size() < kSpareMax) {
      spare_.push_back(std::move(exchange));
    } else {
      context_.scheduler.bury(std::move(exchange));
    }
  }
  /// After a reload.
  void forget_old_snapshots() {
    for (const auto& exchange : spare_) exchange->forget_old_snapshot();
  }

 private:
  static constexpr std::size_t kSpareMax = 1024;

  Context& context_;
  std::vector<std::unique_ptr<Exchange>> spare_;
};

}  // namespace holdfast::proxy
