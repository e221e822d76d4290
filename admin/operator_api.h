#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "admin/view.h"
#include "base/result.h"
#include "health/operator_state.h"
#include "web/router.h"

namespace holdfast::admin {

/// What an operator asks for. The pool and the backend are known ones.
struct OperatorAsk {
  std::string pool;
  std::string backend;
  health::OperatorState state = health::OperatorState::Ready;
  std::string by;
  std::optional<base::Duration> deadline;  ///< Of a drain.
};

/// Who obeys operators. Called on the control loop's thread; outlives the router.
class OperatorService {
 public:
  OperatorService() = default;
  OperatorService(const OperatorService&) = delete;
  OperatorService& operator=(const OperatorService&) = delete;
  virtual ~OperatorService() = default;
  /// Of an order that holds now, for each request that comes. An error says why it will not survive a restart; it holds
  /// all the same, unless the error is Overload.
  using Done = std::function<void(const base::Result<void>&)>;
  /// Calls `done` once, at once or later.
  virtual void obey(const OperatorAsk& ask, Done done) = 0;
};

/// POST /api/v1/pools/{pool}/backends/{backend}/{drain,ready,maint}, body {"deadline":"10m","by":"ops"} or none; `by`
/// counts only where nobody has logged in. Access (access.h) says who may.
void add_operator_routes(web::Router& router, const StatusSource& source, OperatorService& service);

}  // namespace holdfast::admin
