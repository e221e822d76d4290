// One name for a request: in the app, in the access log, in traces.

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "tests/support/fleet.h"

using namespace holdfast::support;

namespace {

/// What the backend was told in that field for the request with that test id.
std::string told(Fleet& fleet, std::string_view id, std::string_view field) {
  for (const Arrival& arrival : fleet["a"].arrivals()) {
    if (arrival.id == id) return arrival.head.field(field).value_or("");
  }
  return "?";
}

constexpr const char* kJsonLog = "access_log = { path = \"-\", format = \"json\" }\n";

}  // namespace

TEST_CASE("a request's id: ours for strangers, theirs for trusted proxies; to the app and in the log") {
  for (const bool is_trusted : {false, true}) {
    CAPTURE(is_trusted);
    Fleet fleet({"a"});
    Proxy proxy({.backends = fleet.configs(),
                 .server = kJsonLog,
                 .listen = is_trusted ? "trusted_proxies = [\"127.0.0.0/8\"]\n" : ""});
    HttpClient client = proxy.client();
    REQUIRE(client.get("/one", {{"X-Test-Id", "one"}, {"X-Request-Id", "edge-17"}}).is_whole(200));
    REQUIRE(client.get("/two", {{"X-Test-Id", "two"}}).is_whole(200));
    const std::string one = told(fleet, "one", "X-Request-Id");
    const std::string two = told(fleet, "two", "X-Request-Id");
    CHECK((one == "edge-17") == is_trusted);
    CHECK(two.size() == 32);
    CHECK(one != two);
    const auto line = nlohmann::json::parse(proxy.process().wait_for_line("/two").value_or("{}"), nullptr, false);
    REQUIRE(line.is_object());
    CHECK(line.value("request_id", "") == two);
    CHECK(proxy.process().wait_for_line("/one").value_or("").find("\"request_id\":\"" + one + "\"") !=
          std::string::npos);
  }
}

TEST_CASE("a request tried twice has one name") {
  Fleet fleet({"a", "b"});
  fleet.on("/once", [](Conversation& c) { c.reset(); });
  Proxy proxy({.backends = fleet.configs()});
  CHECK(proxy.client().get("/once", {{"X-Test-Id", "t"}}).status >= 500);
  std::set<std::string> names;
  for (TestBackend& backend : fleet.all()) {
    for (const Arrival& arrival : backend.arrivals()) {
      if (arrival.id == "t") names.insert(arrival.head.field("X-Request-Id").value_or(""));
    }
  }
  CHECK(fleet.count("t") == 2);
  CHECK(names.size() == 1);
}

TEST_CASE("traceparent passes; it is begun where that is configured") {
  const std::string theirs = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  for (const bool starts : {false, true}) {
    CAPTURE(starts);
    Fleet fleet({"a"});
    Proxy proxy({.backends = fleet.configs(), .server = starts ? "traceparent = \"start\"\n" : ""});
    HttpClient client = proxy.client();
    REQUIRE(client.get("/", {{"X-Test-Id", "with"}, {"traceparent", theirs}, {"tracestate", "v=1"}}).is_whole(200));
    REQUIRE(client.get("/", {{"X-Test-Id", "without"}}).is_whole(200));
    CHECK(told(fleet, "with", "traceparent") == theirs);
    CHECK(told(fleet, "with", "tracestate") == "v=1");
    const std::string ours = told(fleet, "without", "traceparent");
    CHECK(ours.size() == (starts ? 55u : 0u));
    if (starts) CHECK(ours.starts_with("00-"));
  }
}

TEST_CASE("the access log has every field in both formats") {
  const char* const kFields[] = {"time",       "client",        "method",   "path",     "status",
                                 "bytes",      "pool",          "backend",  "attempts", "queue_ms",
                                 "connect_ms", "first_byte_ms", "total_ms", "sticky",   "request_id"};
  for (const std::string format : {"json", "text"}) {
    CAPTURE(format);
    Fleet fleet({"a"});
    Proxy proxy(
        {.backends = fleet.configs(), .server = "access_log = { path = \"-\", format = \"" + format + "\" }\n"});
    REQUIRE(proxy.client().get("/page?secret=1").is_whole(200));
    const std::string line = proxy.process().wait_for_line("/page").value_or("");
    CHECK(line.find("secret") == std::string::npos);
    for (const std::string field : kFields) {
      INFO(field);
      if (format == "json") {
        const auto json = nlohmann::json::parse(line, nullptr, false);
        CHECK((json.is_object() && json.contains(field) && !json[field].is_null()));
      } else if (field != "time") {
        CHECK(line.find(" " + field + "=") != std::string::npos);
        CHECK(line.find(" " + field + "=- ") == std::string::npos);
      }
    }
  }
}
