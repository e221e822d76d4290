#pragma once

#include <string>
#include <string_view>

#include "admin/view.h"

namespace holdfast::admin {

/// Allows the page its own style and nothing else; the hash is of kOverviewStyle (a test compares them).
inline constexpr std::string_view kOverviewPolicy =
    "default-src 'none'; style-src 'sha256-3g/tD/z+8uOcwpTG93hQnKQvRfvvkkKBBFjVk8FZKqo='; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'";
extern const std::string_view kOverviewStyle;

/// GET /plain, for those without scripts: pools and backends as plain tables in one self-contained page that reloads
/// itself. No scripts; everything that comes from outside is escaped.
std::string overview_html(const StatusView& view);

/// `text` as HTML text or attribute value.
std::string html_escaped(std::string_view text);

}  // namespace holdfast::admin
