#include "server/quarantine_share.h"

#include <doctest/doctest.h>

#include "tests/support/lua_server.h"

using namespace holdfast;
using namespace holdfast::server;
using namespace std::chrono_literals;
using Entry = proxy::QuarantineBook::Entry;

namespace {

Entry entry_until(base::Instant until, std::uint64_t head = 1) {
  Entry entry;
  entry.fingerprint = {head, 2, 3, proxy::ClientTag::Everybody};
  entry.pool = "shop";
  entry.backend = "app1";
  entry.method = "GET";
  entry.path = "/boom";
  entry.crashes = 2;
  entry.until = until;
  entry.is_quarantined = true;
  return entry;
}

/// One proxy: its book, its link, its share.
struct TestProxy final : private QuarantineShare::Owner {
  TestProxy(tests::FakeLoop& l, tests::LuaServer& redis)
      : loop(l), link(redis.link(nullptr)), share(*link, l, "h", book, static_cast<QuarantineShare::Owner&>(*this)) {
    link->listen(&share);
    share.on_subscribed();
  }
  ~TestProxy() override { link->listen(nullptr); }

  void quarantine(base::Duration time, std::uint64_t head = 1) {
    const Entry entry = entry_until(loop.now() + time, head);
    book.adopt(entry);
    share.put(entry);
  }
  void on_shared(const Entry&) override { ++shared; }
  void on_released(std::string_view id) override { released.emplace_back(id); }

  tests::FakeLoop& loop;
  std::unique_ptr<tests::LuaLink> link;
  proxy::QuarantineBook book;
  QuarantineShare share;
  int shared = 0;  ///< From other proxies.
  std::vector<std::string> released;
};

struct Fixture {
  void settle() { loop.advance(10ms); }

  tests::FakeLoop loop;
  tests::LuaServer redis{loop};
  TestProxy one{loop, redis};
  TestProxy two{loop, redis};
};

}  // namespace

TEST_CASE("what one proxy quarantines, all do; and one that starts later, too") {
  Fixture f;
  f.one.quarantine(10min);
  f.settle();
  CHECK(f.two.book.quarantined() == 1);
  CHECK(f.two.shared == 1);
  const Entry& there = f.two.book.entries().begin()->second;
  CHECK(there.path == "/boom");
  CHECK(there.crashes == 2);
  CHECK(there.until - f.loop.now() > 9min);
  TestProxy late(f.loop, f.redis);
  f.settle();
  CHECK(late.book.quarantined() == 1);
}

TEST_CASE("one's own quarantine does not come back as another proxy's") {
  Fixture f;
  f.one.quarantine(10min);
  f.loop.jump(3ms);  // our clock and the wall's do not tick together
  f.settle();
  CHECK(f.one.shared == 0);
  CHECK(f.two.shared == 1);
}

TEST_CASE("what one proxy releases, all do, and Redis keeps it no longer") {
  Fixture f;
  f.one.quarantine(10min);
  f.settle();
  for (const Entry& entry : f.one.book.release(f.one.book.entries().begin()->first)) f.one.share.release(entry);
  f.settle();
  CHECK(f.two.released == std::vector<std::string>{id_text(id_of(entry_until({}).fingerprint))});
  CHECK(f.redis.hash_size("h:quarantine") == 0);
}

TEST_CASE("a quarantine put while Redis is away reaches the others afterwards, one whose time is over does not") {
  Fixture f;
  f.redis.down();
  f.one.quarantine(10min);
  f.one.quarantine(1s, 2);
  f.settle();
  CHECK(f.two.book.quarantined() == 0);
  f.loop.advance(2s);
  for (const Entry& entry : f.one.book.expire(f.loop.now())) f.one.share.forget(entry);
  f.redis.up();
  f.settle();
  CHECK(f.two.book.quarantined() == 1);
  CHECK(f.redis.hash_size("h:quarantine") == 1);
}

TEST_CASE("the subscription stands before the link: the next tick reads") {
  Fixture f;
  f.one.quarantine(10min);
  f.settle();
  TestProxy late(f.loop, f.redis);
  late.link->cut();
  late.share.on_subscribed();
  f.settle();
  CHECK(late.book.quarantined() == 0);
  late.link->listen(nullptr);
  late.link->mend();
  late.share.on_tick();
  f.settle();
  CHECK(late.book.quarantined() == 1);
}

TEST_CASE("what is over, or not understood, Redis need not keep") {
  Fixture f;
  f.one.link->send({"HSET", "h:quarantine", "0000000000000001", "{}"});
  f.two.share.on_subscribed();
  f.settle();
  CHECK(f.two.book.quarantined() == 0);
  CHECK(f.redis.hash_size("h:quarantine") == 0);
}
