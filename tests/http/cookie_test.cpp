#include "http/cookie.h"

#include <doctest/doctest.h>

#include <string>

using namespace holdfast::http;

TEST_CASE("finding a cookie") {
  struct Row {
    const char* field;
    const char* want;
  };  // want nullptr: none
  const Row rows[] = {
      {"sid=1", "1"},
      {"a=b; sid=1; c=d", "1"},
      {"a=b;sid=1;c=d", "1"},
      {"sid=1; sid=2", "1"},
      {"sid=", ""},
      {"sid=a=b==", "a=b=="},
      {"sid=\"q\"", "\"q\""},
      {" \tsid = 1 \t; a", "1"},
      {";; ;sid=1", "1"},
      {"SID=1", nullptr},
      {"xsid=1; sidx=1", nullptr},
      {"sid", nullptr},
      {"a=sid=1", nullptr},
      {"=sid", nullptr},
      {"", nullptr},
      {"a=\"; sid=1\"", "1\""},  // quotes protect nothing: so says RFC 6265, so do apps
  };
  for (const Row& row : rows) {
    INFO(row.field);
    const auto got = find_cookie(row.field, "sid");
    REQUIRE(got.has_value() == (row.want != nullptr));
    if (got) CHECK(*got == row.want);
  }
}

namespace {
std::string without(std::string_view field, std::string_view name) {
  OtherCookies others(field, name);
  if (!others.is_changed()) return std::string(field);
  std::string out;
  for (std::string_view piece; others.next(piece);) out += piece;
  return others.has_content() ? out : "";
}
}  // namespace

TEST_CASE("leaving a cookie out") {
  struct Row {
    const char* field;
    const char* want;
  };
  const Row rows[] = {
      {"sid=1", ""},
      {"sid=1; sid=2", ""},
      {"sid=1; ", ""},
      {"a=b; sid=1; c=d", "a=b; c=d"},
      {"sid=1; a=b", "a=b"},
      {"a=b; sid=1", "a=b"},
      {"a=b;sid=1;c=d", "a=b;c=d"},
      {"a=b; c", "a=b; c"},
      {"a = b ;  c=d", "a = b ;  c=d"},
      {"sid; a=b", "sid; a=b"},
      {"SID=1; a=b", "SID=1; a=b"},
      {"", ""},
      {";sid=1;a=b", ";a=b"},
      {"sid=1; ;a=b", ";a=b"},
      {" a=b; sid=1", "a=b"},
      {"a=b; sid=1; sid=2; c=d", "a=b; c=d"},
      {"sid=1; a=b; sid=2; c=d; sid=3", "a=b; c=d"},
      {"a=sid=1; sid=2; xsid=3; sid2=4", "a=sid=1; xsid=3; sid2=4"},
      {"sid=1;", ""},
      {";;sid=1;; ", ""},
      {"a=sid; b=sid", "a=sid; b=sid"},
  };
  for (const Row& row : rows) {
    INFO(row.field);
    CHECK(without(row.field, "sid") == row.want);
  }
}

TEST_CASE("what Set-Cookie says about the end of a cookie") {
  constexpr long long kNow = 1'000'000'000;  // in September 2001
  struct Row {
    const char* field;
    const char* name;
    const char* value;
    bool expires_now;
  };
  const Row rows[] = {
      {"sid=1", "sid", "1", false},
      {"sid=1; Path=/; HttpOnly", "sid", "1", false},
      {" sid = 1 ;Secure", "sid", "1", false},
      {"sid=a=b", "sid", "a=b", false},
      {"sid=", "sid", "", false},
      {"sid=1; Max-Age=60", "sid", "1", false},
      {"sid=1; max-age=0", "sid", "1", true},
      {"sid=1; Max-Age=-1", "sid", "1", true},
      {"sid=1; Max-Age=0; Max-Age=60", "sid", "1", false},
      {"sid=1; Max-Age=99999999999999999999999", "sid", "1", false},
      {"sid=1; Max-Age=soon", "sid", "1", false},
      {"sid=1; Max-Age=+0", "sid", "1", false},
      {"sid=1; Max-Age=-", "sid", "1", false},
      {"sid=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "sid", "1", true},
      {"sid=1; Expires=Thu, 01-Jan-1970 00:00:00 GMT; Path=/", "sid", "1", true},
      {"sid=1; Expires=Thu, 31 Dec 2037 23:59:59 GMT", "sid", "1", false},
      {"sid=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60", "sid", "1", false},
      {"sid=1; Max-Age=0; Expires=Thu, 31 Dec 2037 23:59:59 GMT", "sid", "1", true},
      {"sid=1; Expires=-1", "sid", "1", false},
      {"sid=; Max-Age=60", "sid", "", true},
      {"sid=\"\"; Expires=Thu, 31 Dec 2037 23:59:59 GMT", "sid", "\"\"", true},
      {"sid=\"\"", "sid", "\"\"", false},
  };
  for (const Row& row : rows) {
    INFO(row.field);
    const auto got = parse_set_cookie(row.field, kNow);
    REQUIRE(got.has_value());
    CHECK(got->name == row.name);
    CHECK(got->value == row.value);
    CHECK(got->expires_now == row.expires_now);
  }
  for (const char* field : {"", "sid", "=1", " =1; Path=/", "; sid=1"}) {
    INFO(field);
    CHECK_FALSE(parse_set_cookie(field, kNow).has_value());
  }
}
