#include "proxy/access_line.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

using namespace holdfast;
using base::LogFormat;
using proxy::AccessRecord;
using namespace std::chrono_literals;

namespace {

const base::WallTime kNoon{std::chrono::milliseconds{1'769'860'800'123}};

AccessRecord record() {
  return {.time = kNoon,
          .client = "192.0.2.1",
          .method = "GET",
          .path = "/cart",
          .request_id = "r-1",
          .status = 200,
          .bytes = 512,
          .pool = "shop",
          .backend = "app1",
          .attempts = 2,
          .queue = 0ms,
          .connect = 310us,
          .first_byte = 12'104us,
          .total = 1'012'410us,
          .stickiness = proxy::Stickiness::Moved};
}

std::string line(const AccessRecord& of, LogFormat format) {
  std::string out;
  proxy::append_access_line(out, of, format);
  return out;
}

std::string shown_path(std::string_view path) {
  AccessRecord of = record();
  of.path = path;
  return nlohmann::json::parse(line(of, LogFormat::Json)).at("path");
}

}  // namespace

TEST_CASE("a request is a line") {
  CHECK(line(record(), LogFormat::Text) ==
        "2026-01-31T12:00:00.123Z access client=192.0.2.1 method=GET path=/cart status=200 bytes=512 pool=shop "
        "backend=app1 attempts=2 queue_ms=0.000 connect_ms=0.310 first_byte_ms=12.104 total_ms=1012.410 sticky=moved "
        "request_id=r-1\n");
  CHECK(line(record(), LogFormat::Json) ==
        R"({"time":"2026-01-31T12:00:00.123Z","event":"access","client":"192.0.2.1","method":"GET","path":"/cart",)"
        R"("status":200,"bytes":512,"pool":"shop","backend":"app1","attempts":2,"queue_ms":0.000,"connect_ms":0.310,)"
        R"("first_byte_ms":12.104,"total_ms":1012.410,"sticky":"moved","request_id":"r-1"})"
        "\n");
}

TEST_CASE("what never happened is said so") {
  const AccessRecord refused{.time = kNoon, .client = "::1", .status = 400};
  CHECK(line(refused, LogFormat::Text) ==
        "2026-01-31T12:00:00.123Z access client=::1 method=- path=- status=400 bytes=0 pool=- backend=- attempts=0 "
        "queue_ms=- connect_ms=- first_byte_ms=- total_ms=0.000 sticky=none request_id=-\n");
  const auto json = nlohmann::json::parse(line(refused, LogFormat::Json));
  CHECK(json.at("method").is_null());
  CHECK(json.at("queue_ms").is_null());
  CHECK(json.at("total_ms") == 0.0);
}

TEST_CASE("a line is one line, whatever a client sends") {
  AccessRecord of = record();
  for (const std::string_view nasty :
       {"/a\r\n2026 access forged", "/\"a\" =b", "/\x01\x7f\xff", "-", "/\\", "/\"", "/gr\xc3\xbc"}) {
    of.path = of.client = of.pool = nasty;
    of.method = nasty;
    for (const LogFormat format : {LogFormat::Text, LogFormat::Json}) {
      const std::string out = line(of, format);
      CHECK(std::count(out.begin(), out.end(), '\n') == 1);
      CHECK(out.find('\r') == std::string::npos);
      CHECK(out.find("path=- ") == std::string::npos);
    }
    CHECK(nlohmann::json::accept(line(of, LogFormat::Json)));
  }
  of = record();
  of.path = "/a b\"c=d";
  CHECK(line(of, LogFormat::Text).find(R"( path="/a b\"c=d" status=)") != std::string::npos);
}

TEST_CASE("times: microseconds are kept, negative ones are none") {
  AccessRecord of = record();
  of.connect = -5ms;
  of.total = 3'600'000'001us;
  const std::string out = line(of, LogFormat::Text);
  CHECK(out.find(" connect_ms=0.000 ") != std::string::npos);
  CHECK(out.find(" total_ms=3600000.001 ") != std::string::npos);
}

TEST_CASE("the date survives leap days and the turn of the year") {
  struct Row {
    std::int64_t ms;
    const char* want;
  };
  for (const Row& row :
       {Row{0, "1970-01-01T00:00:00.000Z"}, Row{1'709'164'799'999, "2024-02-28T23:59:59.999Z"},
        Row{1'709'164'800'000, "2024-02-29T00:00:00.000Z"}, Row{1'767'225'599'999, "2025-12-31T23:59:59.999Z"}}) {
    AccessRecord of = record();
    of.time = base::WallTime{std::chrono::milliseconds{row.ms}};
    CHECK(line(of, LogFormat::Text).substr(0, 24) == row.want);
  }
}

TEST_CASE("session ids in path parameters are not written, long paths are cut") {
  CHECK(shown_path("/shop;jsessionid=ABC") == "/shop;~");
  CHECK(shown_path("/a;x=1;y=2/b;z/c") == "/a;~/b;~/c");
  CHECK(shown_path(";;") == ";~");
  const std::string long_path = "/" + std::string(proxy::kLoggedPathMax + 100, 'a');
  CHECK(shown_path(long_path) == long_path.substr(0, proxy::kLoggedPathMax) + "...");
  CHECK(shown_path(long_path.substr(0, proxy::kLoggedPathMax)) == long_path.substr(0, proxy::kLoggedPathMax));
  const std::string parameters(proxy::kLoggedPathMax, ';');
  CHECK(shown_path(parameters) == ";~");
  std::string alternating;
  while (alternating.size() < proxy::kLoggedPathMax) alternating += "/;";
  CHECK(shown_path(alternating).size() == proxy::kLoggedPathMax / 2 * 3);
}
