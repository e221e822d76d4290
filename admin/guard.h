#pragma once

#include <optional>

#include "admin/message.h"

namespace holdfast::admin {

/// What refuses an order that does not come from this machine, or may come from a page of another site; nullopt: none.
std::optional<Answer> guard_order(const Request& request);

}  // namespace holdfast::admin
