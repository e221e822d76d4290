#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "conf/settings.h"
#include "ctl/client.h"

namespace holdfast::ctl {

/// holdfastctl drain, ready, maint: what was typed.
struct CtlOrder {
  std::string word;      ///< The command; empty: none of them.
  std::string target;    ///< POOL/BACKEND
  std::string deadline;  ///< Empty: none.
  bool wait = false;
};

/// Errors: Invalid, in words for the user.
base::Result<std::string> order_path(const CtlOrder& order);
base::Result<std::string> order_body(const CtlOrder& order);

struct OrderDone {
  std::string text;          ///< For stdout.
  bool is_recorded = false;  ///< It survives a restart of the proxy.
};
/// The proxy's response in words. Errors: Malformed.
base::Result<OrderDone> order_words(const CtlOrder& order, std::string_view response);

/// Who runs this program.
std::string user_name();

/// "pool", "app1", "127.0.0.1:8080", "[::1]:8080": what a pool or a backend may be called.
bool is_plain_name(std::string_view name);
/// A name as a segment of a path: '[' and ']' are not for paths (RFC 3986 section 3.3).
std::string path_segment(std::string_view name);

}  // namespace holdfast::ctl
