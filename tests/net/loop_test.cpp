#include "net/loop.h"

#include <doctest/doctest.h>

#include <thread>

using namespace holdfast;
using namespace std::chrono_literals;

TEST_CASE("a timer set again and again fires once, at the last deadline") {
  net::Loop loop;
  int fired = 0;
  const base::Instant start = loop.now();
  base::Instant at{};
  const auto timer = loop.timer([&] {
    ++fired;
    at = std::chrono::steady_clock::now();
    loop.stop();
  });
  timer->set(start + 5ms);
  timer->set(start + 20ms);
  timer->set(start + 30ms);
  CHECK(timer->is_set());
  loop.run();
  CHECK(fired == 1);
  CHECK(at - start >= 30ms);
  CHECK_FALSE(timer->is_set());
}

TEST_CASE("an earlier deadline wins over one that is armed; a cancelled one never fires") {
  net::Loop loop;
  int wrong = 0;
  const auto late = loop.timer([&] { ++wrong; });
  late->set(loop.now() + 10s);
  const auto cancelled = loop.timer([&] { ++wrong; });
  cancelled->set(loop.now() + 1ms);
  cancelled->cancel();
  const auto stopper = loop.timer([&] { loop.stop(); });
  stopper->set(loop.now() + 10s);
  stopper->set(loop.now() + 10ms);
  loop.run();
  CHECK(wrong == 0);
}

TEST_CASE("posts of one thread keep their order, and come from any thread") {
  net::Loop loop;
  std::vector<int> seen;
  std::thread other([&] {
    for (int i = 0; i < 1000; ++i) loop.post([&seen, i] { seen.push_back(i); });
    loop.stop();
  });
  loop.run();
  other.join();
  REQUIRE(seen.size() == 1000);
  for (int i = 0; i < 1000; ++i) CHECK(seen[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("what is buried lives until the current callbacks have returned") {
  struct Child final : base::Buried {
    explicit Child(bool& flag) : gone(flag) {}
    ~Child() override { gone = true; }
    bool& gone;
  };
  net::Loop loop;
  bool gone = false;
  bool gone_too_early = true;
  loop.post([&] {
    loop.bury(std::make_unique<Child>(gone));
    gone_too_early = gone;
  });
  loop.stop();
  loop.run();
  CHECK_FALSE(gone_too_early);
  CHECK(gone);
}
