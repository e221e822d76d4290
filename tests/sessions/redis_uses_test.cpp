// How uses reach Redis: in batches, one for each pool, and not while it is away.
#include "sessions/redis_uses.h"

#include <doctest/doctest.h>

#include "tests/sessions/manual_redis.h"
#include "tests/support/fake_loop.h"

using namespace holdfast;
using namespace holdfast::sessions;
using namespace holdfast::tests;
using namespace std::chrono_literals;

namespace {

struct Fixture {
  void use(std::uint64_t from, std::uint64_t count, std::string_view pool = "shop") {
    for (std::uint64_t i = from; i < from + count; ++i) uses.note(pool, Key{0, i});
  }
  /// How many ids each batch had, without base and idle time.
  std::vector<std::size_t> batches() const {
    std::vector<std::size_t> sizes;
    for (const ManualRedis::Told& told : redis.told) {
      CHECK(told.name == "touch");
      sizes.push_back(told.words.size() - 2);
    }
    return sizes;
  }
  using Sizes = std::vector<std::size_t>;

  FakeLoop loop;
  ManualRedis redis;
  RedisScripts scripts{redis, {"hf"}, 1h};
  RedisUses uses{scripts, loop};
};

}  // namespace

TEST_CASE("uses gather for a second, then go together") {
  Fixture f;
  f.use(0, 2);
  f.loop.advance(999ms);
  f.use(2, 1);
  CHECK(f.redis.told.empty());
  f.loop.advance(1ms);
  CHECK(f.batches() == Fixture::Sizes{3});
  CHECK(f.redis.told[0].words[0] == "hf:{shop}:");
  CHECK(f.redis.told[0].words[2] == id_text(Key{0, 0}));
  f.loop.advance(1h);
  CHECK_MESSAGE(f.redis.told.size() == 1, "without new uses nothing is said");
}

TEST_CASE("each pool has its own batches, none of them too long for Redis") {
  Fixture f;
  f.use(0, 1201);
  f.use(0, 1, "blog");
  f.loop.advance(1s);
  CHECK(f.batches() == Fixture::Sizes{500, 500, 201, 1});
  CHECK(f.redis.told[2].words.back() == id_text(Key{0, 1200}));
  CHECK(f.redis.told[3].words[0] == "hf:{blog}:");
}

TEST_CASE("while Redis is away they gather, up to a limit") {
  Fixture f;
  f.redis.up = false;
  f.use(0, 100'002);
  f.loop.advance(10s);
  CHECK(f.redis.told.empty());
  CHECK(f.uses.dropped() == 2);
  f.redis.up = true;
  f.loop.advance(1s);
  CHECK(f.batches().size() == 200);
  f.use(0, 1);
  CHECK_MESSAGE(f.uses.dropped() == 2, "there is room again");
}
