#pragma once

#include <doctest/doctest.h>

#include <string>
#include <utility>

#include "http/h1_parser.h"

namespace holdfast::proxy::test {

/// A request head with the text it points into. `lines` have their CRLFs; the empty line is added.
struct Request {
  explicit Request(std::string lines) : text(std::move(lines) + "\r\n") {
    const auto parsed = http::parse_request_head(text, 0, {}, head);
    INFO(text << parsed.why);
    REQUIRE(parsed.state == http::Parsed::State::Complete);
  }
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  std::string text;
  http::RequestHead head;
};

/// The same for a response.
struct Response {
  explicit Response(std::string lines, http::Method request = http::Method::Get) : text(std::move(lines) + "\r\n") {
    const auto parsed = http::parse_response_head(text, 0, {}, request, head);
    INFO(text << parsed.why);
    REQUIRE(parsed.state == http::Parsed::State::Complete);
  }
  Response(const Response&) = delete;
  Response& operator=(const Response&) = delete;

  std::string text;
  http::ResponseHead head;
};

}  // namespace holdfast::proxy::test
