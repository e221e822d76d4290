#include "net/resolver.h"

#include <doctest/doctest.h>

#include <optional>

#include "net/loop.h"

using namespace holdfast;
using namespace std::chrono_literals;

namespace {

struct Fixture {
  net::Loop loop;
  net::SystemResolver resolver{loop};
  std::optional<base::Result<net::Address>> got;

  void look_up(const conf::Endpoint& endpoint, base::Duration timeout = 20s) {
    const auto lookup = resolver.lookup(endpoint, timeout, [this](base::Result<net::Address> result) {
      got = std::move(result);
      loop.stop();
    });
    CHECK_FALSE(got);  // never from inside
    loop.run();
  }
};

}  // namespace

TEST_CASE("a literal address needs nobody") {
  Fixture f;
  SUBCASE("IPv4") {
    f.look_up({"192.0.2.7", 80}, 0s);
    REQUIRE(*f.got);
    CHECK((*f.got)->text() == "192.0.2.7:80");
  }
  SUBCASE("IPv6") {
    f.look_up({"2001:db8::1", 80}, 0s);
    REQUIRE(*f.got);
    CHECK((*f.got)->text() == "[2001:db8::1]:80");
  }
}

TEST_CASE("this machine has a name") {
  Fixture f;
  f.look_up({"localhost", 6379});
  REQUIRE(*f.got);
  CHECK((*f.got)->port() == 6379);
  CHECK(((*f.got)->host_text() == "127.0.0.1" || (*f.got)->host_text() == "::1"));
}

TEST_CASE("a lookup that takes too long ends at its deadline") {
  Fixture f;
  f.look_up({"no-such-host.invalid", 1}, 0s);
  REQUIRE_FALSE(*f.got);
  CHECK((f.got->error().code == base::ErrorCode::Timeout || f.got->error().code == base::ErrorCode::Unreachable));
}

TEST_CASE("a lookup given up says nothing, even after its loop has gone") {
  bool called = false;
  {
    net::Loop loop;
    net::SystemResolver resolver(loop);
    const auto lookup = resolver.lookup({"localhost", 1}, 20s, [&](auto) { called = true; });
  }
  {
    net::Loop loop;
    net::SystemResolver resolver(loop);
    auto lookup = resolver.lookup({"localhost", 1}, 20s, [&](auto) { called = true; });
    lookup.reset();
    const auto stop = loop.timer([&] { loop.stop(); });
    stop->set(loop.now() + 100ms);
    loop.run();
  }
  CHECK_FALSE(called);
}

TEST_CASE("a unix socket's path is an address, if it fits") {
  const auto good = net::unix_address("/run/redis.sock");
  REQUIRE(good);
  CHECK(good->text() == "/run/redis.sock");
  CHECK(net::unix_address(std::string(107, 'x')));
  CHECK_FALSE(net::unix_address(std::string(108, 'x')));
  CHECK_FALSE(net::unix_address(""));
}
