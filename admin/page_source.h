#pragma once

#include <string_view>

namespace holdfast::admin {

/// The parts of the status page as they stand in admin/page/; the build makes the source file that holds them.
extern const std::string_view kPageHtml;  ///< With /*STYLE*/ and /*SCRIPT*/ where those belong.
extern const std::string_view kPageStyle;
extern const std::string_view kPageScript;
/// admin/openapi.json: the description of /api/v1 (OpenAPI 3.1).
extern const std::string_view kOpenApi;

}  // namespace holdfast::admin
