#include "proxy/error_page.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/text.h"
#include "proxy/response_headers.h"
#include "proxy/route.h"

namespace holdfast::proxy {

namespace {

struct Words {
  int status;
  std::string_view reason;   // RFC 9110 section 15
  std::string_view message;  // for people; plain ASCII without quotes or markup, so that it fits every format
};

constexpr Words kWords[] = {
    {400, "Bad Request", "The request could not be understood."},
    {403, "Forbidden", "This address may not be used."},
    {404, "Not Found", "There is nothing at this address."},
    {408, "Request Timeout", "The request took too long to arrive."},
    {413, "Content Too Large", "What was sent is larger than this service accepts."},
    {414, "URI Too Long", "The address is longer than this service accepts."},
    {417, "Expectation Failed", "The request expects something this service does not do."},
    {421, "Misdirected Request", "This host is not served here."},
    {429, "Too Many Requests", "Too many requests came in a short time. Please try again in a moment."},
    {431, "Request Header Fields Too Large",
     "The request carries more than this service accepts, perhaps too many cookies."},
    {500, "Internal Server Error", "Something went wrong on our side."},
    {501, "Not Implemented", "The request asks for something this service does not do."},
    {502, "Bad Gateway", "The application gave no usable answer. Please try again in a moment."},
    {503, "Service Unavailable", "The application is not available at the moment. Please try again shortly."},
    {504, "Gateway Timeout", "The application did not answer in time. Please try again in a moment."},
    {505, "HTTP Version Not Supported", "The request uses a version of HTTP that is not spoken here."},
};
constexpr Words kMaintenance{
    503, "Service Unavailable",
    "The application is being maintained and will be back shortly. Please try again in a moment."};
constexpr Words kQuarantine{
    503, "Service Unavailable",
    "The application failed when this was last asked of it, so it is not asked again for now. Everything else works."};
constexpr Words kFull{
    503, "Service Unavailable",
    "As many people as this service has room for are using it at the moment. Please try again shortly."};
constexpr std::string_view kClientFault = "The request cannot be served.";
constexpr std::string_view kOurFault = "Something went wrong on our side.";

constexpr std::string_view kHtmlStart =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
    "<meta name=\"robots\" content=\"noindex\"><title>";
constexpr std::string_view kHtmlStyle =
    "</title><style>"
    ":root{color-scheme:light dark}"
    "body{margin:0;min-height:100vh;display:grid;place-items:center;font:1rem/1.5 system-ui,sans-serif}"
    "main{max-width:32rem;padding:2rem}"
    "h1{font-size:1.4rem;font-weight:600;margin:0 0 .5rem}"
    "p{margin:0 0 1rem}small{opacity:.6}"
    "</style></head><body><main><h1>";
constexpr std::string_view kHtmlMessage = "</h1><p>";
constexpr std::string_view kHtmlStatus = "</p><small>";
constexpr std::string_view kHtmlEnd = "</small></main></body></html>\n";

Words words_of(int status) {
  const auto* const found =
      std::find_if(std::begin(kWords), std::end(kWords), [&](const Words& row) { return row.status == status; });
  if (found != std::end(kWords)) return *found;
  return status < 500 ? Words{status, "Client Error", kClientFault} : Words{status, "Server Error", kOurFault};
}

Words words_of(int status, const ErrorContext& context) {
  switch (context.cause) {
    case ErrorCause::Quarantined:
      return kQuarantine;
    case ErrorCause::Full:
      return kFull;
    case ErrorCause::Usual:
      break;
  }
  return context.maintenance ? kMaintenance : words_of(status);
}

void append_body(std::string& text, ErrorFormat format, const Words& words, std::string_view code) {
  const auto add = [&](std::initializer_list<std::string_view> pieces) {
    for (const std::string_view piece : pieces) text.append(piece);
  };
  switch (format) {
    case ErrorFormat::Text:
      return add({code, " ", words.reason, "\n", words.message, "\n"});
    case ErrorFormat::Html:
      return add({kHtmlStart, words.reason, kHtmlStyle, words.reason, kHtmlMessage, words.message, kHtmlStatus, code,
                  kHtmlEnd});
    case ErrorFormat::Json:
      return add({R"({"status":)", code, R"(,"error":")", words.reason, R"(","message":")", words.message, "\"}\n"});
  }
}

constexpr std::string_view type_of(ErrorFormat format) {
  switch (format) {
    case ErrorFormat::Text:
      return "text/plain; charset=utf-8";
    case ErrorFormat::Html:
      return "text/html; charset=utf-8";
    case ErrorFormat::Json:
      return "application/json";
  }
  return {};
}

/// Makes a head and a body of our own in one text.
class OwnResponse {
 public:
  OwnResponse(http::ResponseHead& head, std::string& text, int status, std::string_view reason)
      : head_(head), text_(text) {
    std::vector<http::Field> fields = std::move(head.fields);  // for its room
    fields.clear();
    head = {};
    head.status = static_cast<std::uint16_t>(status);
    head.reason = reason;
    head.fields = std::move(fields);
    text.clear();
  }

  /// `value` is what `append` appends to the text.
  template <class Append>
  void field_made_by(std::string_view name, Append append) {
    text_.append(name).append(": ");
    const std::size_t start = text_.size();
    append(text_);
    sizes_[count_++] = {name.size(), text_.size() - start};
    text_.append(kLineEnd);
  }
  void field(std::string_view name, std::string_view value) {
    field_made_by(name, [value](std::string& text) { text.append(value); });
  }
  /// After the last field: what is appended to the text from now on is the body.
  void begin_body() { body_start_ = text_.size(); }
  /// Points the head to the text, which must not change any more. Returns the body.
  std::string_view finish(http::Method method) {
    std::string_view rest = text_;
    for (const auto& [name, value] : std::span(sizes_).first(count_)) {
      head_.fields.push_back({.name = rest.substr(0, name), .value = rest.substr(name + 2, value)});
      rest.remove_prefix(name + 2 + value + kLineEnd.size());
    }
    const std::string_view body = std::string_view(text_).substr(body_start_);
    head_.has_content_length = true;
    head_.content_length = body.size();
    if (method == http::Method::Head || body.empty()) return {};
    head_.framing = {.kind = http::Framing::Kind::Length, .length = body.size()};
    return body;
  }

 private:
  http::ResponseHead& head_;
  std::string& text_;
  std::array<std::pair<std::size_t, std::size_t>, 5> sizes_{};  // of names and values
  std::size_t count_ = 0;
  std::size_t body_start_ = 0;
};

void append_h1(std::string& out, const http::ResponseHead& head, std::string_view body, const ErrorContext& context) {
  const ResponsePlan plan = plan_response(head, context.client_minor, context.after);
  append_response_head(out, head, {.plan = plan, .client_minor = context.client_minor, .date = context.date});
  out.append(body);
}

std::size_t ifind(std::string_view text, std::string_view wanted) {
  const auto found = std::search(text.begin(), text.end(), wanted.begin(), wanted.end(),
                                 [](char a, char b) { return base::lower(a) == b; });
  return found == text.end() ? std::string_view::npos : static_cast<std::size_t>(found - text.begin());
}

constexpr std::string_view redirect_reason(int status) {
  switch (status) {
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 307:
      return "Temporary Redirect";
    default:
      return "Permanent Redirect";
  }
}

}  // namespace

ErrorFormat pick_format(std::string_view accept, std::string_view requested_with) {
  if (base::iequals(requested_with, "XMLHttpRequest")) return ErrorFormat::Json;
  const std::size_t html = ifind(accept, "text/html");
  const std::size_t json = std::min(ifind(accept, "application/json"), ifind(accept, "+json"));
  if (html == json) return ErrorFormat::Text;
  return html < json ? ErrorFormat::Html : ErrorFormat::Json;
}

std::string_view make_error_response(http::ResponseHead& head, std::string& text, int status,
                                     const ErrorContext& context) {
  base::check(status >= 400 && status <= 599, "an error response has an error's status");
  const Words words = words_of(status, context);
  const std::string_view own_page =
      context.format == ErrorFormat::Html ? context.maintenance.value_or(std::string_view{}) : std::string_view{};
  OwnResponse response(head, text, status, words.reason);
  response.field("Content-Type", type_of(context.format));
  // The style is inline; nothing else may load or run. What an operator's own page may load is the operator's business.
  if (context.format == ErrorFormat::Html && own_page.empty()) {
    response.field("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
  }
  response.field("X-Content-Type-Options", "nosniff");
  response.field("Cache-Control", "no-store");
  if (status == 429 || status == 503) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(context.retry_after).count();
    response.field_made_by("Retry-After", [&](std::string& to) {
      append_decimal(to, static_cast<std::uint64_t>(std::max<std::int64_t>(seconds, 1)));
    });
  }
  response.begin_body();
  if (own_page.empty()) {
    std::array<char, 20> digits;  // NOLINT(cppcoreguidelines-pro-type-member-init): written before it is read
    append_body(text, context.format, words, decimal(static_cast<std::uint64_t>(status), digits));
  } else {
    text.append(own_page);
  }
  return response.finish(context.method);
}

std::string_view make_redirect_response(http::ResponseHead& head, std::string& text, const conf::Route& route,
                                        const http::RequestHead& request, const ErrorContext& context) {
  OwnResponse response(head, text, route.redirect_status, redirect_reason(route.redirect_status));
  bool is_made = false;
  response.field_made_by("Location", [&](std::string& to) { is_made = append_redirect_location(to, route, request); });
  if (!is_made) return make_error_response(head, text, 400, context);
  response.begin_body();
  return response.finish(context.method);
}

void append_error_response(std::string& out, int status, const ErrorContext& context) {
  http::ResponseHead head;
  std::string text;
  const std::string_view body = make_error_response(head, text, status, context);
  append_h1(out, head, body, context);
}

}  // namespace holdfast::proxy
