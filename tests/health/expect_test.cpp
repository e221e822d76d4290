#include "health/expect.h"

#include <doctest/doctest.h>

#include <string>

#include "health/json_expect.h"

using namespace holdfast;
using namespace holdfast::health;

TEST_CASE("the probe's request") {
  conf::Probe probe{.path = "/health?full=1"};
  CHECK(probe_request(probe, "10.0.0.1:80") ==
        "GET /health?full=1 HTTP/1.1\r\nHost: 10.0.0.1:80\r\nUser-Agent: holdfast-probe\r\n\r\n");

  probe.host = "shop.example.com";
  probe.headers = {{"X-Probe", "1"}, {"user-agent", "mine"}, {"content-length", "999"}};
  CHECK(probe_request(probe, "10.0.0.1:80") ==
        "GET /health?full=1 HTTP/1.1\r\nHost: shop.example.com\r\nX-Probe: 1\r\nuser-agent: mine\r\n\r\n");

  probe.headers = {{"host", "other"}};
  probe.method = "POST";
  probe.body = R"({"a":1})";
  CHECK(probe_request(probe, "10.0.0.1:80") ==
        "POST /health?full=1 HTTP/1.1\r\nUser-Agent: holdfast-probe\r\nhost: other\r\nContent-Length: "
        "7\r\n\r\n{\"a\":1}");

  probe.body.clear();
  CHECK_MESSAGE(probe_request(probe, "x").find("Content-Length: 0\r\n") != std::string::npos,
                "a POST without content says so (RFC 9110 section 8.6)");
}

TEST_CASE("statuses and ranges") {
  struct Row {
    std::uint16_t status;
    std::vector<conf::StatusRange> ranges;
    bool want;
  };
  const Row rows[] = {{200, {{200, 399}}, true},
                      {199, {{200, 399}}, false},
                      {399, {{200, 399}}, true},
                      {400, {{200, 399}}, false},
                      {404, {{200, 299}, {404, 404}}, true},
                      {503, {{200, 299}, {404, 404}}, false},
                      {200, {}, false}};
  for (const Row& row : rows) {
    INFO(row.status);
    const ProbeOutcome outcome = judge_status({.expect_status = row.ranges}, row.status);
    CHECK(outcome.passed() == row.want);
    CHECK(outcome.status == row.status);
  }
  const ProbeOutcome bad = judge_status({.expect_status = {{200, 299}, {404, 404}}}, 500);
  CHECK(bad.reason == Reason::ProbeBadStatus);
  CHECK(bad.detail == "status 500, expected 200-299, 404");
}

TEST_CASE("the body's text") {
  const conf::Probe probe{.expect_body = "all ok"};
  CHECK(judge_body(probe, 200, "it is all ok here").passed());
  const ProbeOutcome bad = judge_body(probe, 200, "all o");
  CHECK(bad.reason == Reason::ProbeBadBody);
  CHECK(bad.detail == "the body does not contain \"all ok\"");
  CHECK_MESSAGE(judge_body(probe, 500, "all ok").reason == Reason::ProbeBadStatus, "the status comes first");
  CHECK(judge_body({}, 200, "").passed());
}

TEST_CASE("values inside JSON") {
  struct Row {
    const char* why;
    const char* text;
    std::vector<std::pair<std::string, std::string>> expected;
    const char* want;  // nullptr: as expected
  };
  const Row rows[] = {
      {"nothing expected", "not json", {}, nullptr},
      {"a string", R"({"feedback":{"status":"running"}})", {{"/feedback/status", "running"}}, nullptr},
      {"another string",
       R"({"feedback":{"status":"starting"}})",
       {{"/feedback/status", "running"}},
       "/feedback/status is \"starting\", expected \"running\""},
      {"a number", R"({"result":0})", {{"/result", "0"}}, nullptr},
      {"a negative number", R"({"result":-4})", {{"/result", "0"}}, "/result is \"-4\", expected \"0\""},
      {"true", R"({"ok":true})", {{"/ok", "true"}}, nullptr},
      {"null", R"({"ok":null})", {{"/ok", "null"}}, nullptr},
      {"a fraction", R"({"n":1.5})", {{"/n", "1.5"}}, nullptr},
      {"an element of an array", R"({"nodes":["a","b"]})", {{"/nodes/1", "b"}}, nullptr},
      {"past the end of an array", R"([1])", {{"/1", "1"}}, "/1 is missing, expected \"1\""},
      {"the whole document", "7", {{"", "7"}}, nullptr},
      {"escaped names (RFC 6901 section 4)", R"({"a/b":{"c~d":"x"}})", {{"/a~1b/c~0d", "x"}}, nullptr},
      {"missing", R"({"a":1})", {{"/b", "1"}}, "/b is missing, expected \"1\""},
      {"an object is no value", R"({"a":{}})", {{"/a", "{}"}}, "/a is not a plain value, expected \"{}\""},
      {"the second one differs", R"({"a":1,"b":2})", {{"/a", "1"}, {"/b", "3"}}, "/b is \"2\", expected \"3\""},
      {"not JSON", "<html>", {{"/a", "1"}}, "the body is not JSON"},
      {"cut off", R"({"a":1)", {{"/a", "1"}}, "the body is not JSON"},
      {"empty", "", {{"/a", "1"}}, "the body is not JSON"},
      {"broken UTF-8", "{\"a\":\"\xff\"}", {{"/a", "1"}}, "the body is not JSON"}};
  for (const Row& row : rows) {
    INFO(row.why);
    const auto got = json_mismatch(row.text, row.expected);
    CHECK(got.has_value() == (row.want != nullptr));
    if (got && row.want != nullptr) CHECK(*got == row.want);
  }
}

TEST_CASE("hostile JSON neither throws nor eats the stack") {
  const std::string deep(30'000, '[');
  CHECK(json_mismatch(deep, {{"/0", "x"}}).has_value());
  CHECK(json_mismatch(deep + std::string(30'000, ']'), {{"/0", "x"}}).has_value());
  CHECK_MESSAGE(json_mismatch(R"({"a":1})", {{"a", "1"}}).has_value(), "a pointer that is none");
  CHECK(json_mismatch(R"([1])", {{"/x", "1"}}).has_value());
  CHECK(json_mismatch(R"([1])", {{"/99999999999999999999999", "1"}}).has_value());
}

TEST_CASE("details are bounded and cut between characters") {
  CHECK(bounded_detail("short") == "short");
  const std::string exact(kDetailBytesMax, 'x');
  CHECK(bounded_detail(exact) == exact);
  CHECK(bounded_detail(exact + "y") == std::string(kDetailBytesMax - 3, 'x') + "...");
  std::string umlauts;
  while (umlauts.size() <= kDetailBytesMax) umlauts += "\xc3\xbc";
  const std::string cut = bounded_detail("x" + umlauts);
  CHECK(cut.size() <= kDetailBytesMax);
  CHECK(cut.ends_with("\xbc..."));
  const ProbeOutcome outcome = judge_body({.expect_body = std::string(5000, 'b')}, 200, "a");
  CHECK(outcome.detail.size() == kDetailBytesMax);
}
