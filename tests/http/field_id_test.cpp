#include "http/field_id.h"

#include <doctest/doctest.h>

#include <string>

#include "base/text.h"

using namespace holdfast;
using namespace holdfast::http;

namespace {

struct Row {
  const char* name;
  FieldId id;
  bool hop_by_hop;
};
const Row kRows[] = {
    {"Host", FieldId::Host, false},
    {"Connection", FieldId::Connection, true},
    {"Keep-Alive", FieldId::KeepAlive, true},
    {"Proxy-Connection", FieldId::ProxyConnection, true},
    {"Transfer-Encoding", FieldId::TransferEncoding, true},
    {"Content-Length", FieldId::ContentLength, false},
    {"TE", FieldId::Te, true},
    {"Trailer", FieldId::Trailer, false},
    {"Upgrade", FieldId::Upgrade, true},
    {"Expect", FieldId::Expect, false},
    {"Cookie", FieldId::Cookie, false},
    {"Set-Cookie", FieldId::SetCookie, false},
    {"Authorization", FieldId::Authorization, false},
    {"WWW-Authenticate", FieldId::WwwAuthenticate, false},
    {"Proxy-Authorization", FieldId::ProxyAuthorization, true},
    {"Proxy-Authenticate", FieldId::ProxyAuthenticate, true},
    {"Proxy-Authentication-Info", FieldId::ProxyAuthenticationInfo, true},
    {"Forwarded", FieldId::Forwarded, false},
    {"X-Forwarded", FieldId::XForwardedOther, false},
    {"X-Forwarded-For", FieldId::XForwardedFor, false},
    {"X-Forwarded-Proto", FieldId::XForwardedProto, false},
    {"X-Forwarded-Host", FieldId::XForwardedHost, false},
    {"X-Forwarded-Port", FieldId::XForwardedPort, false},
    {"X-Forwarded-Scheme", FieldId::XForwardedScheme, false},
    {"X-Forwarded-Server", FieldId::XForwardedServer, false},
    {"X-Forwarded-Prefix", FieldId::XForwardedPrefix, false},
    {"X-Real-IP", FieldId::XRealIp, false},
    {"X-Request-Id", FieldId::XRequestId, false},
    {"traceparent", FieldId::Traceparent, false},
    {"Accept", FieldId::Accept, false},
    {"Date", FieldId::Date, false},
    {"Location", FieldId::Location, false},
    {"Server", FieldId::Server, false},
    {"User-Agent", FieldId::UserAgent, false},
    {"Proxy", FieldId::Proxy, true},
    {"HTTP2-Settings", FieldId::Http2Settings, true},
};

std::string upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 0x20);
  }
  return text;
}

}  // namespace

TEST_CASE("every known name in every case, and nothing that differs in one letter") {
  for (const Row& row : kRows) {
    INFO(row.name);
    const std::string name = row.name;
    CHECK(field_id(name) == row.id);
    CHECK(field_id(base::to_lower(name)) == row.id);
    CHECK(field_id(upper(name)) == row.id);
    CHECK(is_hop_by_hop(row.id) == row.hop_by_hop);
    for (std::size_t i = 0; i < name.size(); ++i) {
      std::string other = name;
      other[i] = '!';
      INFO(other);
      CHECK(field_id(other) != row.id);
    }
    CHECK(field_id(name + "x") != row.id);
    CHECK(field_id(name.substr(1)) == FieldId::Other);
  }
}

TEST_CASE("families are known by their beginning") {
  CHECK(field_id("X-Forwarded-User") == FieldId::XForwardedOther);
  CHECK(field_id("x-forwarded-a-long-name-nobody-has-thought-of") == FieldId::XForwardedOther);
  CHECK(field_id("X-Forwarded-Forx") == FieldId::XForwardedOther);
  CHECK(field_id("X-Forwarded-") == FieldId::XForwardedOther);
  CHECK(field_id("X-Forwardedness") == FieldId::Other);
  CHECK(field_id("X-Holdfast-Moved") == FieldId::XHoldfast);
  CHECK(field_id("x-holdfast-") == FieldId::XHoldfast);
  CHECK(field_id("X-Holdfast") == FieldId::Other);
}

TEST_CASE("twins: what CGI-style apps read as another name") {
  CHECK(lookalike_id("X_Forwarded_For") == FieldId::XForwardedFor);
  CHECK(lookalike_id("x_forwarded-for") == FieldId::XForwardedFor);
  CHECK(lookalike_id("X_Holdfast_Moved_From_A_Long_Way_Away_Indeed") == FieldId::XHoldfast);
  CHECK(lookalike_id("Content_Length") == FieldId::ContentLength);
  CHECK(lookalike_id("X-Forwarded-For") == FieldId::Other);  // no lookalike: the thing itself
  CHECK(lookalike_id("X_Odd") == FieldId::Other);
}

TEST_CASE("trailers that must not pass") {
  const char* refused[] = {
      "Content-Length",   "Transfer-Encoding", "Host",         "Cookie",        "Set-Cookie", "Authorization",
      "X-Forwarded-For",  "X_Real_IP",         "Content-Type", "Cache-Control", "Trailer",    "Connection",
      "Content-Encoding", "X-Holdfast-Moved",  "Expect",       "Location"};
  for (const char* name : refused) {
    INFO(name);
    CHECK_FALSE(may_be_trailer(name, field_id(name)));
  }
  for (const char* name : {"X-Checksum", "Server-Timing", "Grpc-Status", "ETag", "Digest"}) {
    INFO(name);
    CHECK(may_be_trailer(name, field_id(name)));
  }
}
