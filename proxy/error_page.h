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

/// By the values of Accept and X-Requested-With (empty: not sent): JSON for scripts (XMLHttpRequest, or an Accept that
/// names JSON first), HTML for an Accept that names text/html first, else plain text. Weights (q=) are not looked at: a
/// page of another kind harms nobody.
ErrorFormat pick_format(std::string_view accept, std::string_view requested_with);

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
  base::Duration retry_after = std::chrono::seconds{5};  ///< For 429 and 503; whole seconds, at least one.
  /// With 503: nobody may serve the pool. The page for people, whole; empty: one of ours.
  std::optional<std::string_view> maintenance = {};
  ErrorCause cause = ErrorCause::Usual;

  // For HTTP/1 only.
  std::uint8_t client_minor = 1;
  After after = After::Close;
  std::string_view date = {};  ///< IMF-fixdate of now. Empty: no Date.
};

/// The part of it that only the one who refuses a request knows.
struct ErrorDetails {
  std::optional<std::string_view> maintenance = {};
  ErrorCause cause = ErrorCause::Usual;
  base::Duration retry_after = std::chrono::seconds{5};
};

/// Makes a response of the proxy's own in `head`, not yet in any protocol. Returns its body. Views go into `text`,
/// which is overwritten. Not to be stored by caches, never with a cookie, and not a byte of it comes from the client.
/// Statuses without words of their own (400 403 404 408 413 414 417 421 429 431 500 501 502 503 504 505) get general
/// ones; 400..599 only.
std::string_view make_error_response(http::ResponseHead& head, std::string& text, int status,
                                     const ErrorContext& context);

/// The same for a Redirect route. Where its Location cannot be made (see append_redirect_location) it is a 400 instead.
std::string_view make_redirect_response(http::ResponseHead& head, std::string& text, const conf::Route& route,
                                        const http::RequestHead& request, const ErrorContext& context);

/// Appends a whole error response as HTTP/1: head and body (no body for HEAD).
void append_error_response(std::string& out, int status, const ErrorContext& context);

}  // namespace holdfast::proxy
