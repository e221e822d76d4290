#include "proxy/exchange_pool.h"

#include <utility>

namespace holdfast::proxy {

std::unique_ptr<Exchange> ExchangePool::take() {
  if (spare_.empty()) return std::make_unique<Exchange>(context_);
  std::unique_ptr<Exchange> exchange = std::move(spare_.back());
  spare_.pop_back();
  return exchange;
}

void ExchangePool::give_back(std::unique_ptr<Exchange> exchange) {
  if (spare_.size() < kSpareMax) {
    spare_.push_back(std::move(exchange));
  } else {
    context_.scheduler.bury(std::move(exchange));
  }
}

void ExchangePool::forget_old_snapshots() {
  for (const auto& exchange : spare_) exchange->forget_old_snapshot();
}

}  // namespace holdfast::proxy
