// Large bodies: whole, both ways, at bounded memory.

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/support/facts.h"
#include "tests/support/fleet.h"

using namespace holdfast::support;

namespace {

constexpr std::size_t kGrowthMax = 8u << 20;

std::uint64_t full_size() { return is_sanitized() && !wants_full_size() ? 256u << 20 : 1u << 30; }

/// The n-th 64 KiB of a body, so that a lost or doubled piece is seen.
std::string piece(std::uint64_t number) { return std::string(65536, static_cast<char>('a' + number % 26)); }

/// Follows a body made of pieces.
class PatternCheck {
 public:
  void take(std::string_view bytes) {
    for (const char c : bytes) wrong_ += c != static_cast<char>('a' + at_++ / 65536 % 26) ? 1u : 0u;
  }
  std::uint64_t bytes() const { return at_; }
  std::uint64_t wrong() const { return wrong_; }

 private:
  std::uint64_t at_ = 0;
  std::uint64_t wrong_ = 0;
};

/// The most memory a process held while this lived.
class PeakMemory {
 public:
  explicit PeakMemory(pid_t pid)
      : before_(resident_bytes(pid)), watcher_([this, pid] {
          while (!over_.wait(Deadline{10ms})) peak_ = std::max(peak_, resident_bytes(pid));
        }) {}
  ~PeakMemory() { over_.open(), watcher_.join(); }
  std::size_t growth() {
    over_.open();
    watcher_.join();
    watcher_ = std::thread([] {});
    return peak_ > before_ ? peak_ - before_ : 0;
  }

 private:
  std::size_t before_;
  std::size_t peak_ = 0;
  Latch over_;
  std::thread watcher_;
};

void judge_growth(std::string_view what, PeakMemory& memory) {
  if (is_sanitized()) {
    note_left_to_release("memory bound of " + std::string(what), "a sanitizer keeps freed memory");
  } else {
    const std::size_t growth = memory.growth();
    note(std::string(what) + ": grew by " + std::to_string(growth >> 10) + " KiB over " +
         std::to_string(full_size() >> 20) + " MiB");
    CHECK(growth < kGrowthMax);
  }
}

bool send_pieces(const std::function<bool(std::string_view)>& send, std::uint64_t bytes) {
  for (std::uint64_t sent = 0; sent < bytes; sent += 65536) {
    if (!send(piece(sent / 65536))) return false;
  }
  return true;
}

void stream_down(Conversation& c) {
  const bool chunked = c.arrival().target == "/chunked";
  c.send(chunked ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                 : "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(full_size()) + "\r\n\r\n");
  send_pieces(
      [&](std::string_view part) {
        return c.send(chunked ? "10000\r\n" + std::string(part) + "\r\n" : std::string(part));
      },
      full_size());
  if (chunked) c.send("0\r\n\r\n");
}

ProxyConfig without_body_limit(const Fleet& fleet) {
  return {.backends = fleet.configs(), .tables = "[limits]\nrequest_body_bytes = 0\n"};
}

}  // namespace

TEST_CASE("a large response") {
  Fleet fleet({"a"});
  fleet.on("/length", stream_down);
  fleet.on("/chunked", stream_down);
  Proxy proxy(without_body_limit(fleet));
  for (const std::string path : {"/length", "/chunked"}) {
    CAPTURE(path);
    HttpClient client = proxy.client();
    REQUIRE(client.get("/").is_whole(200));
    PeakMemory memory(proxy.pid());
    PatternCheck check;
    REQUIRE(client.send(request_text({.target = path})));
    const Response response = client.receive("GET", Deadline{4min}, [&](std::string_view part) { check.take(part); });
    CHECK(response.is_whole(200));
    CHECK(check.bytes() == full_size());
    CHECK(check.wrong() == 0);
    judge_growth("a large answer, " + path.substr(1), memory);
  }
}

TEST_CASE("a large request") {
  Fleet fleet({"a"});
  PatternCheck check;
  fleet.on("/up", [&](Conversation& c) {
    check = {};
    c.read_body([&](std::string_view part) { check.take(part); });
    c.respond(200, std::to_string(check.bytes()) + " " + std::to_string(check.wrong()));
  });
  Proxy proxy(without_body_limit(fleet));
  for (const bool chunked : {false, true}) {
    CAPTURE(chunked);
    HttpClient client = proxy.client();
    REQUIRE(client.get("/").is_whole(200));
    PeakMemory memory(proxy.pid());
    REQUIRE(client.send(
        "POST /up HTTP/1.1\r\nHost: shop.test\r\n" +
        (chunked ? std::string("Transfer-Encoding: chunked") : "Content-Length: " + std::to_string(full_size())) +
        "\r\n\r\n"));
    REQUIRE(send_pieces(
        [&](std::string_view part) {
          return client.send(chunked ? "10000\r\n" + std::string(part) + "\r\n" : std::string(part), Deadline{1min});
        },
        full_size()));
    if (chunked) REQUIRE(client.send("0\r\n\r\n"));
    const Response response = client.receive("POST", Deadline{1min});
    CHECK(response.is_whole(200));
    CHECK(response.body == std::to_string(full_size()) + " 0");
    judge_growth(chunked ? "a large request, chunked" : "a large request, length", memory);
  }
}

TEST_CASE("a client that does not read stops the backend, not the proxy's memory") {
  Fleet fleet({"a"});
  fleet.on("/length", stream_down);
  Proxy proxy(without_body_limit(fleet));
  HttpClient quick = proxy.client();
  REQUIRE(quick.get("/").is_whole(200));
  PeakMemory memory(proxy.pid());
  std::vector<HttpClient> lazy;
  for (int i = 0; i < 20; ++i) {
    lazy.push_back(proxy.client());
    REQUIRE(lazy.back().send(request_text({.target = "/length"})));
  }
  REQUIRE(fleet["a"].wait_for_count(21));
  for (int i = 0; i < 200; ++i) REQUIRE(quick.get("/").is_whole(200));
  judge_growth("20 clients that do not read", memory);
  lazy.clear();
  CHECK(eventually([&] { return proxy.sum("requests_in_flight") == 0; }));
}
