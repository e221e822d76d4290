#include "proxy/gates.h"

#include <doctest/doctest.h>

#include <vector>

#include "tests/support/fake_loop.h"

using namespace holdfast;
using namespace holdfast::proxy;
using conf::BackendId;

namespace {

struct Sink final : GrantSink {
  void on_granted(BackendId, TicketId ticket) override { granted.push_back(static_cast<int>(ticket)); }
  std::vector<int> granted;
};

conf::Settings settings_with(std::uint32_t places, std::uint32_t queue) {
  conf::Settings settings;
  settings.limits.queue = queue;
  settings.backends.resize(2);
  settings.backends[1].id = BackendId{1};
  settings.backends[1].max_requests = places;
  return settings;
}

}  // namespace

TEST_CASE("a gate lets in so many, queues the rest in order, and refuses at its limit") {
  tests::FakeLoop loop;
  Sink sink;
  Gates gates(settings_with(1, 2));
  CHECK_FALSE(gates.is_gated(BackendId{0}));
  REQUIRE(gates.is_gated(BackendId{1}));
  const auto enter = [&](int ticket) {
    return gates.enter(BackendId{1}, loop, sink, TicketId{static_cast<std::uint64_t>(ticket)});
  };
  CHECK(enter(1) == Gates::Entry::Entered);
  CHECK(enter(2) == Gates::Entry::Queued);
  CHECK(enter(3) == Gates::Entry::Queued);
  CHECK(enter(4) == Gates::Entry::Full);
  CHECK(gates.waiting(BackendId{1}) == 2);
  CHECK_FALSE(gates.enter_if_room(BackendId{1}));

  gates.leave(BackendId{1});
  CHECK(enter(5) == Gates::Entry::Queued);  // the place went to 2, nobody overtakes
  gates.forget(BackendId{1}, TicketId{3}, sink);
  gates.leave(BackendId{1});
  loop.run();
  CHECK(sink.granted == std::vector<int>{2, 5});
  gates.leave(BackendId{1});
  CHECK(gates.enter_if_room(BackendId{1}));
  CHECK_FALSE(gates.enter_if_room(BackendId{1}));
  gates.leave(BackendId{1});
  CHECK(enter(6) == Gates::Entry::Entered);
}
