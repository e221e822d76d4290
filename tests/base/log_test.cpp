#include "base/log.h"

#include <doctest/doctest.h>

using namespace holdfast::base;

TEST_CASE("an event is one line, whatever is in it") {
  const auto line = [](LogFormat format, LogFields fields) {
    return log_text("2026-01-31T12:00:00.123Z", LogLevel::Warn, "backend_down", fields, format);
  };
  CHECK(line(LogFormat::Text, {{"pool", "shop"}, {"since_ms", 2400}}) ==
        "2026-01-31T12:00:00.123Z warn backend_down pool=shop since_ms=2400");
  CHECK(line(LogFormat::Text, {{"why", "a b\n\"c\"=d"}, {"empty", ""}}) ==
        "2026-01-31T12:00:00.123Z warn backend_down why=\"a b\\n\\\"c\\\"=d\" empty=\"\"");
  CHECK(line(LogFormat::Json, {{"pool", "sh\"op"}, {"n", -1}}) ==
        R"({"time":"2026-01-31T12:00:00.123Z","level":"warn","event":"backend_down","pool":"sh\"op","n":-1})");
}

TEST_CASE("JSON text: control characters escaped, broken UTF-8 replaced, good UTF-8 kept") {
  struct Row {
    const char* in;
    const char* want;
  };
  const Row rows[] = {{"\x01\x1f\x7f", "\\u0001\\u001f\\u007f"},
                      {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
                      {"\xff", "\\ufffd"},
                      {"\xc3", "\\ufffd"},
                      {"\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd"},
                      {"\xe2\x82\xac", "\xe2\x82\xac"},
                      {"\xc0\x80", "\\ufffd\\ufffd"}};
  for (const Row& row : rows) {
    std::string out;
    append_json_escaped(out, row.in);
    CHECK(out == row.want);
  }
}
