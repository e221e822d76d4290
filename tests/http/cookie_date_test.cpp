#include "http/cookie_date.h"

#include <doctest/doctest.h>

using namespace holdfast::http;

TEST_CASE("cookie dates in the forms that servers write") {
  struct Row {
    const char* text;
    long long want;
  };
  const Row rows[] = {
      {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777}, {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
      {"Sun Nov  6 08:49:37 1994", 784111777},      {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
      {"Thu, 01-Jan-1970 00:00:01 GMT", 1},         {"Thu, 31 Dec 2037 23:59:59 GMT", 2145916799},
      {"1994 nOVember 6 8:49:37 PST", 784111777},   {"6 Nov 1994 08:49:37.5", 784111777},
      {"Mon, 29 Feb 2016 00:00:00", 1456704000},    {"01 Jan 69 00:00:00", 3124224000},
      {"01 Jan 1601 00:00:00", -11644473600},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    CHECK(parse_cookie_date(row.text) == row.want);
  }
}

TEST_CASE("what is no cookie date") {
  for (const char* text :
       {"", "0", "-1", "now", "Sun, 06 Nov 1994", "06 Nov 08:49:37", "Nov 1994 08:49:37", "06 1994 08:49:37",
        "30 Feb 2016 00:00:00", "29 Feb 2015 00:00:00", "00 Jan 2016 00:00:00", "32 Jan 2016 00:00:00",
        "01 Jan 1600 00:00:00", "01 Jan 2016 24:00:00", "01 Jan 2016 00:60:00", "01 Jan 2016 00:00:60",
        "01 Jan 12345 00:00:00", "01 Jan 2016 00:00"}) {
    INFO(text);
    CHECK_FALSE(parse_cookie_date(text).has_value());
  }
}
