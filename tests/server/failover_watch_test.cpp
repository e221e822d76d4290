#include "server/failover_watch.h"

#include <doctest/doctest.h>

#include "base/log.h"
#include "base/log_watch.h"

using namespace holdfast;
using namespace holdfast::server;
using namespace std::chrono_literals;

namespace {

constexpr conf::BackendId kB{1};

struct Said final : base::LogWatch {
  std::vector<std::string> words;
  Said() { base::log_watch(this); }
  ~Said() override { base::log_watch(nullptr); }
  void on_log(base::LogLevel, std::string_view event, base::LogFields) override { words.emplace_back(event); }
};

struct Fixture {
  static conf::Settings two_backends() {
    conf::Settings settings;
    settings.pools.emplace_back();
    settings.pools[0].name = "shop";
    settings.pools[0].backend_count = 2;
    for (const std::uint32_t i : {0u, 1u}) {
      settings.backends.push_back({.id = conf::BackendId{i}, .name = i == 0 ? "a" : "b"});
    }
    return settings;
  }
  void tick() {
    watch.on_tick(
        now, [this](conf::BackendId id) { return id != kB || is_well; },
        [this](conf::BackendId id) { return id == kB ? b : FailoverWatch::Numbers{}; });
  }
  void happens(health::Event::Kind kind, base::Duration since = {}) {
    watch.on_event({.kind = kind, .backend = kB, .reason = health::Reason::ProbeRefused, .since = since}, now, wall);
  }
  admin::FailoverView only() const {
    REQUIRE(watch.views().size() == 1);
    return watch.views()[0];
  }

  Said said;
  conf::Settings settings = two_backends();
  FailoverWatch watch{std::make_shared<const conf::Settings>(settings)};
  FailoverWatch::Numbers b{.moved = 10, .failed = 3, .rescued = 7};
  bool is_well = true;
  base::Instant now = base::Instant{} + 1000s;
  base::WallTime wall{std::chrono::seconds{1'769'860'800}};
};

}  // namespace

TEST_CASE("a failover is what happened since the first failure, not before") {
  Fixture f;
  f.tick();
  const base::Instant first_failure = f.now + 500ms;
  f.is_well = false;
  f.now += 900ms;
  f.happens(health::Event::Kind::Down, 350ms);  // the control loop heard of it 50 ms after a request met it
  f.b = {.moved = 15,
         .failed = 4,
         .rescued = 9,
         .failing_since = first_failure,
         .last_rescue = first_failure + 12ms,
         .longest_wait = 8ms};
  f.tick();
  const admin::FailoverView view = f.only();
  CHECK(view.pool == "shop");
  CHECK(view.backend == "b");
  CHECK(view.reason == "probe_refused");
  CHECK(view.noticed == 400ms);
  CHECK(view.users_moved == 5);
  CHECK(view.rescued == 2);
  CHECK(view.failed == 1);
  CHECK(view.took == 12ms);
  CHECK(view.longest_wait == 8ms);
  CHECK_FALSE(view.is_over);
}

TEST_CASE("it is told once, when nothing has happened for a while") {
  Fixture f;
  f.tick();
  f.is_well = false;
  f.happens(health::Event::Kind::Down, 10ms);
  f.b.moved += 5;
  f.tick();
  f.now += 1s;
  f.b.moved += 1;
  f.tick();
  f.now += 1s;
  f.tick();
  CHECK(f.said.words.empty());
  f.now += 1s;
  f.tick();
  CHECK(f.said.words == std::vector<std::string>{"failover"});
  f.b.moved += 20;  // users who come back later
  f.now += 10s;
  f.tick();
  CHECK(f.said.words.size() == 1);
  CHECK(f.only().users_moved == 26);
}

TEST_CASE("nobody was hit: nothing is told, and there is no time to measure") {
  Fixture f;
  f.tick();
  f.is_well = false;
  f.happens(health::Event::Kind::Down, 10ms);
  for (int i = 0; i < 10; ++i, f.now += 1s) f.tick();
  CHECK_FALSE(f.only().took.has_value());
  f.happens(health::Event::Kind::Up);
  CHECK(f.only().is_over);
  CHECK(f.said.words.empty());
}

TEST_CASE("a second failure is another failover; one that goes on is not") {
  Fixture f;
  f.tick();
  f.happens(health::Event::Kind::Ejected, 10ms);
  f.happens(health::Event::Kind::Down, 20ms);
  CHECK(f.watch.views().size() == 1);
  f.happens(health::Event::Kind::Up);
  f.tick();
  f.happens(health::Event::Kind::Down, 10ms);
  CHECK(f.watch.views().size() == 2);
  CHECK_FALSE(f.watch.views()[0].is_over);
  CHECK(f.watch.views()[1].is_over);
}

TEST_CASE("so many are kept and no more") {
  Fixture f;
  f.tick();
  for (std::size_t i = 0; i < FailoverWatch::kKept + 5; ++i) {
    f.happens(health::Event::Kind::Down);
    f.happens(health::Event::Kind::Up);
  }
  CHECK(f.watch.views().size() == FailoverWatch::kKept);
}

TEST_CASE("who was never well does not fail over") {
  Fixture f;
  f.is_well = false;
  f.tick();
  f.happens(health::Event::Kind::Down, 10ms);
  CHECK(f.watch.views().empty());
}
