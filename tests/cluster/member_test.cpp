#include "cluster/member.h"

#include <doctest/doctest.h>

#include <deque>

#include "base/log.h"
#include "tests/support/fake_net.h"
#include "tests/support/lua_server.h"
#include "tests/support/temp_dir.h"

using namespace holdfast;
using namespace holdfast::cluster;
using namespace std::chrono_literals;
using health::OperatorState;
using health::State;

namespace {

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
constexpr const char* kSick = "HTTP/1.1 503 Sick\r\nContent-Length: 0\r\n\r\n";

/// One proxy: its own ways to the backends (ports 1000, 1001, ...), its monitor, its member.
struct TestProxy final : health::Monitor::Listener, OperatorStates::Listener {
  TestProxy(tests::FakeLoop& l, tests::LuaServer& redis, const std::string& name, std::size_t backends,
            const std::string& instance = "1")
      : loop(l), net(l), link(redis.link(nullptr)) {
    auto made = std::make_shared<conf::Settings>();
    conf::Pool pool;
    pool.name = "shop";
    pool.backend_count = static_cast<std::uint32_t>(backends);
    pool.probe.expect_sick = {{503, 503}};
    made->pools = {pool};
    std::vector<net::Address> addresses;
    for (std::size_t i = 0; i < backends; ++i) {
      const auto port = static_cast<std::uint16_t>(1000 + i);
      made->backends.push_back({.id = id(i), .name = "app" + std::to_string(i), .address = {"127.0.0.1", port}});
      addresses.push_back(tests::fake_address(port));
      net.at(port).responds_with(kOk);
    }
    made->server.state_dir = dir.path().string();
    settings = made;
    monitor = std::make_unique<health::Monitor>(settings, addresses, loop, net, base::Random(name.size()), *this);
    orders = std::make_unique<OperatorStates>(settings->server.state_dir, loop, link.get(), "h", *this);
    member = std::make_unique<Member>(Member::Parts{settings, loop, *link, *monitor, *orders}, name, instance);
    link->listen(member.get());
    link->on_state([this] { member->on_link_changed(); });
    orders->load();
    monitor->start();
    member->start();
  }
  ~TestProxy() override { link->listen(nullptr); }

  static conf::BackendId id(std::size_t i) { return conf::BackendId{static_cast<std::uint32_t>(i)}; }
  tests::FakeServer& way(std::size_t i) { return net.at(static_cast<std::uint16_t>(1000 + i)); }
  State state(std::size_t i) const { return view->of(id(i)).state; }
  bool is_suspect(std::size_t i) const { return view->of(id(i)).suspect; }
  bool is_cut_off() const { return view->is_isolated; }

  void on_view(std::shared_ptr<const health::View> v) override { view = std::move(v); }
  void on_event(const health::Event& event) override {
    if (event.kind == health::Event::Kind::Down) ++downs;
  }
  void on_observation(conf::BackendId backend) override {
    if (member) member->on_observation(backend);
  }
  void on_order(std::string_view backend, const health::OperatorOrder& order) override {
    for (const conf::Backend& one : settings->backends) {
      if ("shop/" + one.name == backend) monitor->set_operator_state(one.id, order);
    }
  }

  tests::FakeLoop& loop;
  tests::FakeDialer net;
  support::TempDir dir;
  std::unique_ptr<tests::LuaLink> link;
  std::shared_ptr<const conf::Settings> settings;
  std::shared_ptr<const health::View> view;
  std::unique_ptr<health::Monitor> monitor;
  std::unique_ptr<OperatorStates> orders;
  std::unique_ptr<Member> member;
  int downs = 0;
};

struct Cluster {
  explicit Cluster(std::size_t count, std::size_t backends = 3) {
    base::log_setup(base::LogLevel::Error, base::LogFormat::Text);
    for (std::size_t i = 0; i < count; ++i) proxies.emplace_back(loop, redis, "lb" + std::to_string(i), backends);
    loop.advance(3s);
  }
  TestProxy& operator[](std::size_t i) { return proxies[i]; }
  std::size_t probes(std::size_t backend) {
    std::size_t sum = 0;
    for (TestProxy& proxy : proxies) sum += proxy.way(backend).heads().size();
    return sum;
  }
  int leaders() {
    int count = 0;
    for (TestProxy& proxy : proxies) count += proxy.member->is_leader() ? 1 : 0;
    return count;
  }
  tests::FakeLoop loop;
  tests::LuaServer redis{loop};
  std::deque<TestProxy> proxies;
};

}  // namespace

TEST_CASE("proxies find each other, one leads, and together they probe like one") {
  Cluster c(3);
  for (TestProxy& proxy : c.proxies) {
    CHECK(proxy.member->is_together());
    CHECK(proxy.member->roster().others().size() == 2);
    CHECK(proxy.member->leader() == c[0].member->id());
  }
  CHECK(c.leaders() == 1);
  const std::size_t before = c.probes(0);
  const std::size_t heartbeats = c.redis.heartbeats;
  c.loop.advance(60s);
  CHECK(c.probes(0) - before >= 27);
  CHECK(c.probes(0) - before <= 33);
  CHECK(c.redis.heartbeats - heartbeats <= 3 * 61);
}

TEST_CASE("a dead backend is down on all of them at once, though only one was looking") {
  Cluster c(3);
  for (TestProxy& proxy : c.proxies) proxy.way(0).dies();
  base::Instant first{};
  base::Instant last{};
  for (int ms = 0; ms < 5000; ms += 5) {
    c.loop.advance(5ms);
    int down = 0;
    for (TestProxy& proxy : c.proxies) down += proxy.state(0) == State::Down ? 1 : 0;
    if (down > 0 && first == base::Instant{}) first = c.loop.now();
    if (down == 3 && last == base::Instant{}) last = c.loop.now();
  }
  REQUIRE(last != base::Instant{});
  CHECK(last - first <= 100ms);
  for (TestProxy& proxy : c.proxies) CHECK(proxy.downs == 1);
  for (TestProxy& proxy : c.proxies) proxy.way(0).accepts();
  c.loop.advance(2500ms);
  for (TestProxy& proxy : c.proxies) CHECK(proxy.state(0) == State::Up);
}

TEST_CASE("a sick backend is sick on all of them at once, and for who does not reach it; then well again on all") {
  Cluster c(3);
  const auto all_respond = [&](const char* response) {
    for (TestProxy& proxy : c.proxies) {
      proxy.way(0).responds_with(response);
      proxy.way(0).last().closes();  // what is open would go on as before
    }
  };
  const auto time_to = [&](State state) {
    base::Instant first{};
    for (int ms = 0; ms < 6000; ms += 5) {
      c.loop.advance(5ms);
      int there = 0;
      for (TestProxy& proxy : c.proxies) there += proxy.state(0) == state ? 1 : 0;
      if (there > 0 && first == base::Instant{}) first = c.loop.now();
      if (there == 3) return c.loop.now() - first;
    }
    return base::Duration{1h};
  };
  all_respond(kSick);
  CHECK(time_to(State::Sick) <= 100ms);
  c[2].way(0).dies();
  c.loop.advance(20s);
  CHECK(c[2].monitor->own_observation(TestProxy::id(0)).probe == health::ProbeState::Failing);
  for (TestProxy& proxy : c.proxies) CHECK(proxy.state(0) == State::Sick);
  for (TestProxy& proxy : c.proxies) CHECK(proxy.downs == 0);
  CHECK(c[2].monitor->report(TestProxy::id(0)).reason == health::Reason::Cluster);
  CHECK(c[2].monitor->report(TestProxy::id(0)).detail == "it tells 2 of 2 other proxies that it is sick");
  c[2].way(0).accepts();
  all_respond(kOk);
  CHECK(time_to(State::Up) <= 300ms);
}

TEST_CASE("one broken path: suspect there, no verdict anywhere, nobody cut off") {
  Cluster c(3);
  c[1].way(0).dies();
  c.loop.advance(60s);
  CHECK(c[1].monitor->own_observation(TestProxy::id(0)).probe == health::ProbeState::Failing);
  CHECK(c[1].state(0) == State::Up);
  CHECK(c[1].is_suspect(0));
  for (TestProxy& proxy : c.proxies) {
    CHECK(proxy.state(0) == State::Up);
    CHECK(proxy.downs == 0);
    CHECK(!proxy.is_cut_off());
  }
  c[1].way(0).accepts();
  c.loop.advance(5s);
  CHECK(!c[1].is_suspect(0));
}

TEST_CASE("with two that differ each goes by itself") {
  Cluster c(2);
  c[1].way(0).dies();
  c.loop.advance(10s);
  CHECK(c[1].state(0) == State::Down);
  CHECK(c[0].state(0) == State::Up);
  CHECK(!c[1].is_cut_off());
}

TEST_CASE("all paths broken: cut off within three intervals, the others serve, and back again") {
  for (const std::size_t count : {2u, 3u}) {
    CAPTURE(count);
    Cluster c(count);
    for (std::size_t i = 0; i < 3; ++i) c[0].way(i).dies();
    c.loop.advance(6s);
    CHECK(c[0].is_cut_off());
    CHECK(c[0].member->isolation().reason().starts_with("cut off: "));
    for (std::size_t n = 1; n < count; ++n) {
      CHECK(!c[n].is_cut_off());
      CHECK(c[n].downs == 0);
      CHECK(c[n].member->roster().others()[0].standing == Standing::CutOff);
    }
    CHECK_MESSAGE(c[0].member->leader() != c[0].member->id(), "who reaches nothing does not lead");
    CHECK(c.leaders() == 1);
    for (std::size_t i = 0; i < 3; ++i) c[0].way(i).accepts();
    c.loop.advance(6s);
    CHECK(!c[0].is_cut_off());
    for (std::size_t i = 0; i < 3; ++i) CHECK(c[0].state(i) == State::Up);
  }
}

TEST_CASE("all backends dead: nobody is cut off") {
  Cluster c(3);
  for (TestProxy& proxy : c.proxies) {
    for (std::size_t i = 0; i < 3; ++i) proxy.way(i).dies();
  }
  for (int s = 0; s < 100; ++s) {
    c.loop.advance(100ms);
    for (TestProxy& proxy : c.proxies) REQUIRE(!proxy.is_cut_off());
  }
  for (TestProxy& proxy : c.proxies) CHECK(proxy.state(2) == State::Down);
}

TEST_CASE("Redis away: each by itself at once, and no verdict changes; back: together") {
  Cluster c(2);
  c.redis.down();
  c.loop.run();
  for (TestProxy& proxy : c.proxies) {
    CHECK(!proxy.member->is_together());
    CHECK(proxy.member->alone_because() == "redis refused");
    CHECK(!proxy.member->is_leader());
  }
  c.loop.advance(30s);
  const std::size_t before = c.probes(0);
  c.loop.advance(60s);
  CHECK_MESSAGE(c.probes(0) - before >= 55, "each its own probes again");
  for (TestProxy& proxy : c.proxies) CHECK(proxy.downs == 0);
  c.redis.lose_all();
  const std::uint64_t fence = c[0].member->fence();
  c.redis.up();
  c.loop.advance(2s);
  for (TestProxy& proxy : c.proxies) CHECK(proxy.member->is_together());
  CHECK(c.leaders() == 1);
  CHECK_MESSAGE(c[0].member->fence() > fence, "the number rises though Redis has lost it");
}

TEST_CASE("one proxy loses Redis: the others go on without it") {
  Cluster c(3);
  c[0].link->cut();
  CHECK(!c[0].member->is_leader());
  c.loop.advance(5s);
  CHECK(!c[0].member->is_together());
  CHECK(c[1].member->roster().others().size() == 1);
  CHECK(c.leaders() == 1);
  c[0].link->mend();
  c.loop.advance(2s);
  CHECK(c[1].member->roster().others().size() == 2);
  CHECK(c.leaders() == 1);
}

TEST_CASE("never two leaders, the number only rises, whoever dies or says goodbye") {
  Cluster c(3);
  std::uint64_t fence = c[0].member->fence();
  c[0].member->leave();
  c.loop.advance(100ms);
  CHECK_MESSAGE(c[1].member->roster().others().size() == 1, "a goodbye is heard at once");
  CHECK(c.leaders() == 1);
  CHECK(c[1].member->fence() > fence);
  fence = c[1].member->fence();
  TestProxy& leader = c[1].member->is_leader() ? c[1] : c[2];
  TestProxy& other = c[1].member->is_leader() ? c[2] : c[1];
  leader.link->cut();
  for (int i = 0; i < 500; ++i) {
    c.loop.advance(10ms);
    REQUIRE(c.leaders() <= 1);
  }
  CHECK(other.member->is_leader());
  CHECK(other.member->fence() > fence);
}

TEST_CASE("a pause ends the lease and judges nobody") {
  Cluster c(2);
  REQUIRE(c[0].member->is_leader());
  c.loop.jump(1h);
  CHECK_MESSAGE(!c[0].member->is_leader(), "by our own clock, before anybody has asked");
  c.loop.advance(3s);
  for (TestProxy& proxy : c.proxies) {
    CHECK(proxy.downs == 0);
    CHECK(!proxy.is_cut_off());
    CHECK(proxy.member->is_together());
  }
  CHECK(c.leaders() == 1);
}

TEST_CASE("Redis' clock may jump: nobody is declared dead for it for long, nothing is judged") {
  Cluster c(2);
  for (const std::int64_t jump : {std::int64_t{3'600'000}, std::int64_t{-7'200'000}}) {
    c.redis.offset_ms += jump;
    c.loop.advance(10s);
    for (TestProxy& proxy : c.proxies) {
      CHECK(proxy.member->roster().others().size() == 1);
      CHECK(proxy.downs == 0);
      CHECK(!proxy.is_cut_off());
    }
  }
}

TEST_CASE("orders: obeyed by all at once, over Redis' absence, the later one wins") {
  Cluster c(2);
  REQUIRE(c[0].orders->set("shop/app0", OperatorState::Drain, "ops", std::nullopt));
  CHECK(c[0].orders->unconfirmed() == 1);
  c.loop.advance(50ms);
  CHECK(c[0].state(0) == State::Draining);
  CHECK(c[1].state(0) == State::Draining);
  CHECK(c[0].orders->unconfirmed() == 0);

  c.redis.down();
  REQUIRE(c[0].orders->set("shop/app0", OperatorState::Maint, "ops", std::nullopt));
  c.loop.advance(1s);
  REQUIRE(c[1].orders->set("shop/app1", OperatorState::Drain, "ops", std::nullopt));
  c.loop.advance(1s);
  CHECK(c[0].state(0) == State::Maint);
  CHECK(c[1].state(0) == State::Draining);
  c.redis.up();
  c.loop.advance(3s);
  for (TestProxy& proxy : c.proxies) {
    CHECK(proxy.state(0) == State::Maint);
    CHECK(proxy.state(1) == State::Draining);
    CHECK(proxy.orders->unconfirmed() == 0);
  }
  c.redis.lose_all();
  c.redis.down();
  c.redis.up();
  c.loop.advance(3s);
  CHECK_MESSAGE(c.redis.hash_size("h:operator") == 2, "what Redis has lost it is told again");

  TestProxy late(c.loop, c.redis, "lb9", 3);
  c.loop.advance(1s);
  CHECK(late.state(0) == State::Maint);
  CHECK(late.state(1) == State::Draining);
  REQUIRE(late.orders->set("shop/app0", OperatorState::Ready, "ops", std::nullopt));
  c.loop.advance(50ms);
  CHECK(c[0].state(0) == State::Up);
}

TEST_CASE("a drain becomes a maintenance at its deadline, everywhere") {
  Cluster c(2);
  REQUIRE(c[0].orders->set("shop/app0", OperatorState::Drain, "ops", 1ms));
  c.loop.advance(100ms);
  while (base::wall_now() <= c[0].orders->book().find("shop/app0")->deadline) {
  }
  c.loop.advance(2s);
  for (TestProxy& proxy : c.proxies) CHECK(proxy.state(0) == State::Maint);
}

TEST_CASE("two of one name are noticed after a while, not after a quick restart") {
  Cluster c(1);
  TestProxy same_name(c.loop, c.redis, "lb0", 3, "2");
  c.loop.advance(3s);
  CHECK(same_name.member->duplicate_name_warning().empty());
  c.loop.advance(5s);
  CHECK(same_name.member->duplicate_name_warning().find("lb0") != std::string::npos);
  CHECK(!c[0].member->duplicate_name_warning().empty());
  same_name.member->leave();
  c.loop.advance(2s);
  CHECK(c[0].member->duplicate_name_warning().empty());
}

TEST_CASE("nothing is left when it goes") {
  tests::FakeLoop loop;
  tests::LuaServer redis(loop);
  {
    TestProxy proxy(loop, redis, "lb1", 2);
    loop.advance(5s);
    proxy.member->leave();
    proxy.monitor->stop();
    loop.run();
    CHECK(loop.timers_set() == 0);
  }
  CHECK(loop.timers_alive() == 0);
  CHECK(redis.hash_size("h:nodes") == 0);
}
