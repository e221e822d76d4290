#include "cluster/roll_leases.h"

#include <doctest/doctest.h>

#include "tests/support/fake_loop.h"

using namespace holdfast;
using namespace holdfast::cluster;

namespace {

struct Fixture {
  tests::FakeLoop loop;
  RollLeases leases{loop, nullptr, "h"};
  /// Who has the pool after `id` has asked for it.
  std::string take(const std::string& id, const std::string& pool = "shop", const std::string& backend = {}) {
    std::string holder;
    leases.take(pool, {.id = id, .backend = backend, .by = "ops", .since = {}},
                [&](const base::Result<RollHolder>& got) { holder = got ? got->id + "@" + got->backend : "error"; });
    return holder;
  }
};

}  // namespace

TEST_CASE("one roll of a pool at a time") {
  Fixture f;
  CHECK(f.take("one") == "one@");
  CHECK(f.take("two") == "one@");
  CHECK(f.take("two", "other") == "two@");
  CHECK(f.take("one", "shop", "app2") == "one@app2");
  CHECK(f.take("two") == "one@app2");
  f.leases.release("shop", "two");  // it is not two's
  CHECK(f.take("two") == "one@app2");
  f.leases.release("shop", "one");
  CHECK(f.take("two") == "two@");
}

TEST_CASE("a roll that dies is forgotten; one that is renewed is not") {
  Fixture f;
  CHECK(f.take("one") == "one@");
  f.loop.advance(RollLeases::kLease / 2);
  CHECK(f.take("one") == "one@");
  f.loop.advance(RollLeases::kLease - std::chrono::milliseconds{1});
  CHECK(f.take("two") == "one@");
  f.loop.advance(std::chrono::milliseconds{1});
  CHECK(f.take("two") == "two@");
  CHECK(f.take("one") == "two@");
}

TEST_CASE("how Redis keeps a roll") {
  const RollHolder holder{
      .id = "1.2", .backend = "app1", .by = "ops of day", .since = base::WallTime{std::chrono::milliseconds{17}}};
  CHECK(text_of(holder) == "1.2 17 app1 ops of day");
  CHECK(parse_roll_holder(text_of(holder)) == holder);
  RollHolder fresh = holder;
  fresh.backend.clear();
  CHECK(text_of(fresh) == "1.2 17 - ops of day");
  CHECK(parse_roll_holder(text_of(fresh)) == fresh);
  for (const char* text : {"", "1.2", "1.2 x app1 ops", " 17 app1 ops", "1.2 17 app1"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_roll_holder(text).has_value());
  }
}
