#include "proxy/backend_pool.h"

#include <doctest/doctest.h>

#include "tests/support/fake_net.h"

using namespace holdfast;
using namespace holdfast::tests;
using namespace std::chrono_literals;
using conf::BackendId;

namespace {

struct Fixture {
  FakeLoop loop;
  proxy::BackendPool pool{loop, 2, 2, 30s};
  /// An idle connection to `backend`; the test keeps its far end.
  FakePeer idle(BackendId backend) {
    auto [stream, peer] = fake_connection(loop);
    pool.adopt(backend, std::move(stream)).keep();
    return peer;
  }
};

}  // namespace

TEST_CASE("the most recently used connection is lent first, and only for its own backend") {
  Fixture f;
  const FakePeer older = f.idle(BackendId{0});
  const FakePeer newer = f.idle(BackendId{0});
  CHECK_FALSE(f.pool.take(BackendId{1}));
  {
    const proxy::Lease lease = f.pool.take(BackendId{0});
    REQUIRE(lease);
    CHECK(lease->is_reused());
  }  // not kept: closed
  f.loop.run();
  CHECK(older.is_open());
  CHECK_FALSE(newer.is_open());
  CHECK(f.pool.idle_count() == 1);
}

TEST_CASE("an idle connection that says anything is closed") {
  Fixture f;
  FakePeer speaks = f.idle(BackendId{0});
  FakePeer ends = f.idle(BackendId{0});
  FakePeer stays = f.idle(BackendId{1});
  speaks.sends("HTTP/1.1 408 Request Timeout\r\n\r\n");
  ends.closes();
  f.loop.run();
  CHECK_FALSE(speaks.is_open());
  CHECK_FALSE(ends.is_open());
  CHECK(stays.is_open());
  CHECK(f.pool.idle_count() == 1);
}

TEST_CASE("the oldest go when their time is over, and beyond the limit nothing is kept") {
  Fixture f;
  const FakePeer first = f.idle(BackendId{0});
  f.loop.advance(20s);
  const FakePeer second = f.idle(BackendId{0});
  const FakePeer third = f.idle(BackendId{0});
  f.loop.run();
  CHECK_FALSE(third.is_open());
  f.loop.advance(10s);
  CHECK_FALSE(first.is_open());
  CHECK(second.is_open());
  f.loop.advance(20s);
  CHECK_FALSE(second.is_open());
  CHECK(f.pool.idle_count() == 0);
}

TEST_CASE("draining a backend closes what is idle there") {
  Fixture f;
  const FakePeer gone = f.idle(BackendId{0});
  const FakePeer stays = f.idle(BackendId{1});
  f.pool.drain(BackendId{0});
  f.loop.run();
  CHECK_FALSE(gone.is_open());
  CHECK(stays.is_open());
}
