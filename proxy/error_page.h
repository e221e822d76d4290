#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "conf/settings.h"
#include "http/head.h"
#include "proxy/head_text.h"

namespace holdfast::proxy {

/// In which form the proxy's own words go to a client.
enum class ErrorFormat : std::uint8_t { Text, Html, Json };

/// JSON for scripts (X-Requested-With: XMLHttpRequest, or an Accept that names JSON first), HTML for an Accept that
/// names text/html first, else plain text. Weights (q=) are not looked at: a page of another kind harms nobody.
ErrorFormat pick_format(const http::RequestHead& request);

/// Why an error is ours, where the status does not say it all.
enum class ErrorCause : std::uint8_t {
  Usual,
  Quarantined,  ///< With 503: the request is held to have killed a backend.
  Full,         ///< With 503: as many sessions as there may be.
};

/// What a response of ours needs to know. All values, because the request's head is often gone by then.
struct ErrorContext {
  http::Method method = http::Method::Get;
  ErrorFormat format = ErrorFormat::Text;
  std::uint8_t client_minor = 1;
  After after = After::Close;
  base::Duration retry_after = std::chrono::seconds{5};  ///< For 429 and 503; whole seconds, at least one.
  std::string_view date = {};                            ///< IMF-fixdate of now. Empty: no Date.
  /// With 503: nobody may serve the pool. The page for people, whole; empty: one of ours.
  std::optional<std::string_view> maintenance = {};
  ErrorCause cause = ErrorCause::Usual;
};

/// The part of it that only who refuses knows.
struct ErrorDetails {
  std::optional<std::string_view> maintenance = {};
  ErrorCause cause = ErrorCause::Usual;
  base::Duration retry_after = std::chrono::seconds{5};
};

/// Appends a whole response made by the proxy itself: head and body (no body for HEAD). Not to be stored by caches,
/// never with a cookie, and not a byte of it comes from the client. Statuses without words of their own (400 403 404
/// 408 413 414 417 421 429 431 500 501 502 503 504 505) get general ones; 400..599 only.
void append_error_response(std::string& out, int status, const ErrorContext& context);

/// Appends a whole response for a Redirect route. Where its Location cannot be made (see append_redirect_location) it
/// is a 400 instead. Answers the status.
int append_redirect_response(std::string& out, const conf::Route& route, const http::RequestHead& request,
                             const ErrorContext& context);

}  // namespace holdfast::proxy
