#include "proxy/concurrency_limits.h"

#include <doctest/doctest.h>

#include <vector>

#include "tests/support/fake_loop.h"

using namespace holdfast;
using namespace holdfast::proxy;
using conf::BackendId;

namespace {

struct RecordingHandler final : GrantHandler {
  void on_granted(BackendId, TicketId ticket) override { granted.push_back(static_cast<int>(ticket)); }
  std::vector<int> granted;
};

conf::Settings settings_with(std::uint32_t slots, std::uint32_t queue) {
  conf::Settings settings;
  settings.limits.queue = queue;
  settings.backends.resize(2);
  settings.backends[1].id = BackendId{1};
  settings.backends[1].max_requests = slots;
  return settings;
}

}  // namespace

TEST_CASE("a limit lets in so many, queues the rest in order, and refuses at its limit") {
  tests::FakeLoop loop;
  RecordingHandler handler;
  ConcurrencyLimits limits(settings_with(1, 2));
  CHECK_FALSE(limits.is_limited(BackendId{0}));
  REQUIRE(limits.is_limited(BackendId{1}));
  const auto enter = [&](int ticket) {
    return limits.enter(BackendId{1}, loop, handler, TicketId{static_cast<std::uint64_t>(ticket)});
  };
  CHECK(enter(1) == ConcurrencyLimits::Entry::Entered);
  CHECK(enter(2) == ConcurrencyLimits::Entry::Queued);
  CHECK(enter(3) == ConcurrencyLimits::Entry::Queued);
  CHECK(enter(4) == ConcurrencyLimits::Entry::Full);
  CHECK(limits.waiting(BackendId{1}) == 2);
  CHECK_FALSE(limits.enter_if_room(BackendId{1}));

  limits.leave(BackendId{1});
  CHECK(enter(5) == ConcurrencyLimits::Entry::Queued);  // the place went to 2, nobody overtakes
  limits.forget(BackendId{1}, TicketId{3}, handler);
  limits.leave(BackendId{1});
  loop.run();
  CHECK(handler.granted == std::vector<int>{2, 5});
  limits.leave(BackendId{1});
  CHECK(limits.enter_if_room(BackendId{1}));
  CHECK_FALSE(limits.enter_if_room(BackendId{1}));
  limits.leave(BackendId{1});
  CHECK(enter(6) == ConcurrencyLimits::Entry::Entered);
}
