#include "proxy/error_page.h"

#include <algorithm>

#include "base/check.h"
#include "base/text.h"
#include "proxy/route.h"

namespace holdfast::proxy {

namespace {

using http::FieldId;

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

// The style is inline; nothing else may load or run.
constexpr std::string_view kHtmlFields =
    "Content-Type: text/html; charset=utf-8\r\n"
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n";
// What an operator's own page may load is the operator's business.
constexpr std::string_view kOwnPageFields = "Content-Type: text/html; charset=utf-8\r\n";

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

// Calls `add` with each piece of the body: once to measure, once to write.
template <class Add>
void each_piece(ErrorFormat format, const Words& words, std::string_view code, Add add) {
  switch (format) {
    case ErrorFormat::Text:
      for (const std::string_view piece :
           {code, std::string_view(" "), words.reason, std::string_view("\n"), words.message, std::string_view("\n")}) {
        add(piece);
      }
      return;
    case ErrorFormat::Html:
      for (const std::string_view piece : {kHtmlStart, words.reason, kHtmlStyle, words.reason, kHtmlMessage,
                                           words.message, kHtmlStatus, code, kHtmlEnd}) {
        add(piece);
      }
      return;
    case ErrorFormat::Json:
      for (const std::string_view piece :
           {std::string_view(R"({"status":)"), code, std::string_view(R"(,"error":")"), words.reason,
            std::string_view(R"(","message":")"), words.message, std::string_view("\"}\n")}) {
        add(piece);
      }
      return;
  }
}

std::string_view type_fields(ErrorFormat format) {
  switch (format) {
    case ErrorFormat::Text:
      return "Content-Type: text/plain; charset=utf-8\r\n";
    case ErrorFormat::Html:
      return kHtmlFields;
    case ErrorFormat::Json:
      return "Content-Type: application/json\r\n";
  }
  return {};
}

void append_retry_after(std::string& out, base::Duration wait) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
  out.append("Retry-After: ");
  append_decimal(out, static_cast<std::uint64_t>(std::max<std::int64_t>(seconds, 1)));
  out.append(kLineEnd);
}

void append_common_fields(std::string& out, const ErrorContext& context) {
  if (!context.date.empty()) append_line(out, "Date: ", context.date);
  if (context.after == After::Close) {
    out.append("Connection: close\r\n");
  } else if (context.client_minor == 0) {
    out.append("Connection: keep-alive\r\n");
  }
}

std::size_t ifind(std::string_view text, std::string_view wanted) {
  const auto found = std::search(text.begin(), text.end(), wanted.begin(), wanted.end(),
                                 [](char a, char b) { return base::lower(a) == b; });
  return found == text.end() ? std::string_view::npos : static_cast<std::size_t>(found - text.begin());
}

void append_status(std::string& out, int status, std::string_view reason) {
  out.append("HTTP/1.1 ");
  append_decimal(out, static_cast<std::uint64_t>(status));
  out.append(1, ' ').append(reason).append(kLineEnd);
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

ErrorFormat pick_format(const http::RequestHead& request) {
  std::size_t html = std::string_view::npos;
  std::size_t json = std::string_view::npos;
  for (const http::Field& field : request.fields) {
    if (field.id == FieldId::Other && base::iequals(field.name, "X-Requested-With") &&
        base::iequals(field.value, "XMLHttpRequest")) {
      return ErrorFormat::Json;
    }
    if (field.id != FieldId::Accept || html != json) continue;
    html = ifind(field.value, "text/html");
    json = std::min(ifind(field.value, "application/json"), ifind(field.value, "+json"));
  }
  if (html == json) return ErrorFormat::Text;
  return html < json ? ErrorFormat::Html : ErrorFormat::Json;
}

void append_error_response(std::string& out, int status, const ErrorContext& context) {
  base::check(status >= 400 && status <= 599, "an error answer has an error's status");
  const Words words = words_of(status, context);
  const std::string_view own_page =
      context.format == ErrorFormat::Html ? context.maintenance.value_or(std::string_view{}) : std::string_view{};
  std::array<char, 3> digits{};
  std::to_chars(digits.data(), digits.data() + digits.size(), status);
  const std::string_view code(digits.data(), digits.size());

  std::size_t length = own_page.size();
  if (own_page.empty())
    each_piece(context.format, words, code, [&](std::string_view piece) { length += piece.size(); });

  append_status(out, status, words.reason);
  out.append(own_page.empty() ? type_fields(context.format) : kOwnPageFields);
  out.append("X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n");
  append_content_length(out, length);
  if (status == 429 || status == 503) append_retry_after(out, context.retry_after);
  append_common_fields(out, context);
  out.append(kLineEnd);
  if (context.method == http::Method::Head) return;
  if (!own_page.empty()) {
    out.append(own_page);
    return;
  }
  each_piece(context.format, words, code, [&](std::string_view piece) { out.append(piece); });
}

int append_redirect_response(std::string& out, const conf::Route& route, const http::RequestHead& request,
                             const ErrorContext& context) {
  const std::size_t start = out.size();
  append_status(out, route.redirect_status, redirect_reason(route.redirect_status));
  out.append("Location: ");
  if (!append_redirect_location(out, route, request)) {
    out.resize(start);
    append_error_response(out, 400, context);
    return 400;
  }
  out.append("\r\nContent-Length: 0\r\n");
  append_common_fields(out, context);
  out.append(kLineEnd);
  return route.redirect_status;
}

}  // namespace holdfast::proxy
