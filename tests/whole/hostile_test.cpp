// The table of hostile messages, over real sockets: refused, or forwarded in one meaning only.

#include <doctest/doctest.h>

#include <map>

#include "base/text.h"
#include "tests/support/fleet.h"
#include "tests/support/hostile_rows.h"
#include "tests/support/text.h"

using namespace holdfast::support;
using holdfast::tests::has;
using holdfast::tests::HostileRow;
using holdfast::tests::kCut;

namespace {

constexpr std::string_view kNoEjection = "[pools.app.passive]\nfailures = 0\n";

bool lacks(std::string_view text, std::string_view part) {
  return part.empty() || !has(holdfast::base::to_lower(text), holdfast::base::to_lower(part));
}

/// The same bytes with another name where they say "shop".
std::string under_name(std::string bytes, std::string_view name) {
  constexpr std::string_view kName = "shop";
  for (std::size_t at = bytes.find(kName); at != std::string::npos; at = bytes.find(kName, at + name.size())) {
    bytes.replace(at, kName.size(), name);
  }
  return bytes;
}

}  // namespace

TEST_CASE("hostile requests") {
  Fleet fleet({"a"});
  std::string received;
  std::mutex mutex;
  fleet.on("*", [&](Conversation& c) {
    c.read_body();
    const std::lock_guard lock(mutex);
    received = c.wire().received();
    c.respond(200, "ok", "Connection: close\r\n");
    c.close();
  });
  Proxy proxy(
      {.backends = fleet.configs(), .workers = 1, .probe = "type = \"none\"\n", .tables = std::string(kNoEjection)});
  const auto rows = holdfast::tests::hostile_requests();
  CHECK(rows.size() > 75);
  for (const HostileRow& row : rows) {
    INFO(std::string(row.why));
    INFO("RFC " << std::string(row.rfc));
    const auto executed_before = fleet.executed();
    {
      const std::lock_guard lock(mutex);
      received.clear();
    }
    HttpClient client = proxy.client();
    REQUIRE(client.send(row.bytes));
    const Response response = client.receive(row.bytes.starts_with("HEAD ") ? "HEAD" : "GET");
    INFO("answer: " << response.text());
    if (row.want_status != 0) {
      CHECK(response.status == row.want_status);
      CHECK(fleet.executed() == executed_before);
      continue;
    }
    CHECK(response.is_whole(200));
    const std::lock_guard lock(mutex);
    CAPTURE(received);
    CHECK(has(received, row.forwarded_contains));
    CHECK(lacks(received, row.forwarded_lacks));
  }
  CHECK(proxy.stop() == 0);
}

// Its listener is for its own machine: under a strange name nothing is answered but 421, so each row comes a second
// time under a name that gets further.
TEST_CASE("hostile requests to the admin listener are refused, and nothing else") {
  const Fleet fleet({"a"});
  Proxy proxy(
      {.backends = fleet.configs(), .workers = 1, .probe = "type = \"none\"\n", .tables = std::string(kNoEjection)});
  for (const HostileRow& row : holdfast::tests::hostile_requests()) {
    for (const char* host : {"shop", "localhost"}) {
      const std::string bytes = under_name(row.bytes, host);
      INFO(std::string(row.why));
      INFO("RFC " << std::string(row.rfc));
      INFO("as " << std::string(host));
      HttpClient client(proxy.admin_port());
      REQUIRE(client.send(bytes));
      const Response response = client.receive();
      INFO("answer: " << response.text());
      CHECK(response.end == End::Whole);
      const bool is_refused =
          (response.status >= 400 && response.status < 500) || response.status == 501 || response.status == 505;
      const bool may_pass = row.want_status == 0 && host != std::string_view("shop");
      CHECK((is_refused || (may_pass && response.status == 200)));
    }
  }
  HttpClient client(proxy.admin_port());
  CHECK(client.request({.target = "/livez", .host = "localhost"}).is_whole(200));
  CHECK(proxy.backend("a").value("order", "") == "ready");
  CHECK(proxy.stop() == 0);
}

TEST_CASE("hostile answers") {
  Fleet fleet({"a"});
  const auto rows = holdfast::tests::hostile_responses();
  CHECK(rows.size() > 40);
  fleet.on("*", [&](Conversation& c) {
    c.read_body();
    const auto row = holdfast::base::parse_decimal(c.arrival().target.substr(1)).value_or(0);
    c.send(rows[row].bytes);
    c.close();
  });
  Proxy proxy(
      {.backends = fleet.configs(), .workers = 1, .probe = "type = \"none\"\n", .tables = std::string(kNoEjection)});
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const HostileRow& row = rows[i];
    INFO(std::string(row.why));
    INFO("RFC " << std::string(row.rfc));
    HttpClient client = proxy.client();
    REQUIRE(client.send(request_text({.method = row.method, .target = "/" + std::to_string(i)})));
    const Response response = client.receive(row.method);
    INFO("answer: " << response.text());
    if (row.want_status == kCut) {
      CHECK((response.status == 502 || response.end != End::Whole));
      continue;
    }
    if (row.want_status != 0) {
      CHECK(response.is_whole(row.want_status));
      continue;
    }
    CHECK(response.end == End::Whole);
    const std::string received = client.received();
    CAPTURE(received);
    CHECK(has(received, row.forwarded_contains));
    CHECK(lacks(received, row.forwarded_lacks));
  }
  CHECK(proxy.stop() == 0);
}
