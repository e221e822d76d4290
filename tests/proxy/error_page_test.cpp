#include "proxy/error_page.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "proxy/response_headers.h"
#include "tests/proxy/parsed.h"
#include "tests/support/text.h"

using namespace holdfast;
using holdfast::tests::has;
using proxy::After;
using proxy::ErrorContext;
using proxy::ErrorFormat;
using proxy::test::Request;
using proxy::test::Response;

namespace {

std::string error_response(int status, const ErrorContext& context = {}) {
  std::string out;
  proxy::append_error_response(out, status, context);
  return out;
}

std::string_view value_of(const http::RequestHead& head, std::string_view name) {
  for (const http::Field& field : head.fields) {
    if (field.name == name) return field.value;
  }
  return {};
}

std::string redirect_response(const conf::Route& route, const http::RequestHead& request) {
  http::ResponseHead head;
  std::string text;
  std::string out;
  const std::string_view body = proxy::make_redirect_response(head, text, route, request, {});
  proxy::append_response_head(out, head, {.plan = proxy::plan_response(head, 1, After::KeepAlive)});
  return out.append(body);
}

std::string head_of(const std::string& text) { return text.substr(0, text.find("\r\n\r\n") + 2); }
std::string body_of(const std::string& text) { return text.substr(text.find("\r\n\r\n") + 4); }

}  // namespace

TEST_CASE("every status of ours is a whole, well-framed answer in every format") {
  for (const int status : {400, 403, 404, 408, 413, 414, 417, 421, 429, 431, 500, 501, 502, 503, 504, 505, 418, 599}) {
    for (const ErrorFormat format : {ErrorFormat::Text, ErrorFormat::Html, ErrorFormat::Json}) {
      INFO(status);
      const std::string text = error_response(status, {.format = format});
      const Response parsed(head_of(text));
      CHECK(parsed.head.status == status);
      CHECK_FALSE(parsed.head.reason.empty());
      CHECK(parsed.head.content_length == body_of(text).size());
      CHECK_FALSE(parsed.head.keep_alive);
      CHECK(has(head_of(text), "\r\nCache-Control: no-store\r\n"));
      CHECK_FALSE(has(head_of(text), "Set-Cookie"));
      CHECK(has(body_of(text), std::to_string(status)));
      CHECK(has(head_of(text), "\r\nRetry-After: 5\r\n") == (status == 429 || status == 503));
      // For HEAD the same head, and nothing behind it.
      CHECK(error_response(status, {.method = http::Method::Head, .format = format}) == head_of(text) + "\r\n");
      if (format == ErrorFormat::Json) CHECK(nlohmann::json::parse(body_of(text)).at("status") == status);
    }
  }
}

TEST_CASE("a page needs nothing from elsewhere") {
  const std::string page = error_response(503, {.format = ErrorFormat::Html});
  CHECK(has(head_of(page), "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n"));
  CHECK(has(head_of(page), "Content-Type: text/html; charset=utf-8\r\n"));
  CHECK(has(body_of(page), "<h1>Service Unavailable</h1>"));
  CHECK_FALSE(has(body_of(page), "http"));
  CHECK_FALSE(has(body_of(page), "<script"));
}

TEST_CASE("what becomes of the connection") {
  CHECK(has(error_response(404, {.after = After::Close}), "\r\nConnection: close\r\n"));
  CHECK_FALSE(has(error_response(404, {.after = After::KeepAlive}), "\r\nConnection:"));
  CHECK(has(error_response(404, {.client_minor = 0, .after = After::KeepAlive}), "\r\nConnection: keep-alive\r\n"));
}

TEST_CASE("Retry-After is whole seconds, rounded up, at least one") {
  using namespace std::chrono_literals;
  CHECK(has(error_response(503, {.retry_after = 1500ms}), "\r\nRetry-After: 2\r\n"));
  CHECK(has(error_response(503, {.retry_after = 0s}), "\r\nRetry-After: 1\r\n"));
  CHECK(has(error_response(503, {.date = "Sat, 31 Jan 2026 12:00:00 GMT"}),
            "\r\nDate: Sat, 31 Jan 2026 12:00:00 GMT\r\n"));
}

TEST_CASE("browsers get HTML, scripts JSON, all others text") {
  struct Row {
    const char* lines;
    ErrorFormat want;
  };
  const Row rows[] = {
      {"", ErrorFormat::Text},
      {"Accept: */*\r\n", ErrorFormat::Text},
      {"Accept: image/png\r\n", ErrorFormat::Text},
      {"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n", ErrorFormat::Html},
      {"Accept: application/json\r\n", ErrorFormat::Json},
      {"Accept: application/json, text/plain, */*\r\n", ErrorFormat::Json},
      {"Accept: Application/JSON\r\n", ErrorFormat::Json},
      {"Accept: application/problem+json\r\n", ErrorFormat::Json},
      {"Accept: text/html, application/json\r\n", ErrorFormat::Html},
      {"Accept: application/json, text/html\r\n", ErrorFormat::Json},
      {"Accept: text/html\r\nX-Requested-With: XMLHttpRequest\r\n", ErrorFormat::Json},
      {"X-Requested-With: com.example.app\r\n", ErrorFormat::Text},
  };
  for (const Row& row : rows) {
    INFO(row.lines);
    const Request request("GET / HTTP/1.1\r\nHost: a\r\n" + std::string(row.lines));
    CHECK(proxy::pick_format(value_of(request.head, "Accept"), value_of(request.head, "X-Requested-With")) == row.want);
  }
}

TEST_CASE("redirects are whole responses; one that cannot be made is a 400") {
  conf::Route route;
  route.redirect_to = "https://{host}{path}{query}";
  route.redirect_status = 301;
  const Request request("GET //a?b HTTP/1.1\r\nHost: shop\r\n");
  CHECK(redirect_response(route, request.head) ==
        "HTTP/1.1 301 Moved Permanently\r\nLocation: https://shop/a?b\r\nContent-Length: 0\r\n\r\n");

  const Request nameless("GET / HTTP/1.0\r\n");
  const std::string out = redirect_response(route, nameless.head);
  CHECK(out.starts_with("HTTP/1.1 400 Bad Request\r\n"));
  CHECK_FALSE(has(out, "Location"));
}

TEST_CASE("maintenance: a page of ours, or a file's for people; scripts get JSON") {
  constexpr std::string_view kPage = "<html><h1>Back at <em>nine</em></h1></html>";
  for (const ErrorFormat format : {ErrorFormat::Text, ErrorFormat::Html, ErrorFormat::Json}) {
    for (const std::string_view page : {std::string_view(), kPage}) {
      const ErrorContext context{.format = format, .maintenance = page};
      const std::string text = error_response(503, context);
      const Response parsed(head_of(text));
      CHECK(parsed.head.status == 503);
      CHECK(parsed.head.content_length == body_of(text).size());
      CHECK(has(head_of(text), "\r\nRetry-After: 5\r\n"));
      CHECK(has(head_of(text), "\r\nCache-Control: no-store\r\n"));
      CHECK_FALSE(has(head_of(text), "Set-Cookie"));
      const bool is_own = format == ErrorFormat::Html && !page.empty();
      CHECK((body_of(text) == kPage) == is_own);
      CHECK(has(body_of(text), "maintained") == !is_own);
      CHECK(has(head_of(text), "Content-Security-Policy") == (format == ErrorFormat::Html && !is_own));
      if (format == ErrorFormat::Json) CHECK(nlohmann::json::parse(body_of(text)).at("status") == 503);
      ErrorContext head = context;
      head.method = http::Method::Head;
      CHECK(error_response(503, head) == head_of(text) + "\r\n");
    }
  }
}
