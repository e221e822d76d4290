#pragma once

#include <memory>
#include <vector>

#include "proxy/exchange.h"

namespace holdfast::proxy {

/// Exchanges that are not in use, so that a request allocates none. One per worker, on its thread.
class ExchangePool {
 public:
  explicit ExchangePool(Context& context) : context_(context) {}

  std::unique_ptr<Exchange> take();
  /// Of one that is over, perhaps still on the stack.
  void give_back(std::unique_ptr<Exchange> exchange);
  /// After a reload.
  void forget_old_snapshots();

 private:
  static constexpr std::size_t kSpareMax = 1024;

  Context& context_;
  std::vector<std::unique_ptr<Exchange>> spare_;
};

}  // namespace holdfast::proxy
