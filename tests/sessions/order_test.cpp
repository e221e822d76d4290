#include "sessions/order.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "base/random.h"

using namespace holdfast;
using namespace holdfast::sessions;

namespace {
constexpr BackendTag kA{0xA};
constexpr BackendTag kB{0xB};
}  // namespace

TEST_CASE("the next generation: a guess stays a guess, what is known stays known") {
  struct Row {
    std::uint32_t generation, after_move, after_end, moves;
  };
  constexpr std::uint32_t kKnown = 1u << 30;
  for (const Row& row :
       {Row{0, 1, kKnown, 0}, Row{1, 2, kKnown, 0}, Row{7, 8, kKnown, 6},
        Row{kKnown - 1, kKnown - 1, kKnown, kKnown - 2}, Row{kKnown, kKnown + 1, kKnown + 1, 0},
        Row{kKnown + 5, kKnown + 6, kKnown + 6, 5}, Row{0xFFFF'FFFF, 0xFFFF'FFFF, 0xFFFF'FFFF, 0xFFFF'FFFF - kKnown}}) {
    CAPTURE(row.generation);
    CHECK(next(Generation{row.generation}) == Generation{row.after_move});
    CHECK(next_known(Generation{row.generation}) == Generation{row.after_end});
    CHECK(moves_of(Generation{row.generation}) == row.moves);
  }
}

TEST_CASE("of two bindings one is later, and it is the same one for everybody") {
  const Key key{1, 2};
  CHECK(is_later(key, {kA, Generation{2}}, {kB, Generation{1}}));
  CHECK(is_later(key, {kA, kFirstKnown}, {kB, Generation{(1u << 30) - 1}}));
  CHECK(is_later(key, {BackendTag::Ended, Generation{2}}, {kB, Generation{2}}));
  CHECK_FALSE(is_later(key, {kB, Generation{2}}, {BackendTag::Ended, Generation{2}}));
  CHECK_FALSE(is_later(key, {kA, Generation{2}}, {kA, Generation{2}}));
  CHECK(is_later(key, {kA, Generation{2}}, {kB, Generation{2}}) !=
        is_later(key, {kB, Generation{2}}, {kA, Generation{2}}));
}

TEST_CASE("at one generation no backend always wins") {
  int wins = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const Key key{base::Random::mix(i), base::Random::mix(i + 5000)};
    wins += is_later(key, {kA, Generation{1}}, {kB, Generation{1}}) ? 1 : 0;
  }
  CHECK(wins > 400);
  CHECK(wins < 600);
}

TEST_CASE("offers in any sequence end alike") {
  base::Random random(7);
  for (int round = 0; round < 2000; ++round) {
    const Key key{random.next(), random.next()};
    std::vector<Binding> offers;
    for (int i = 0; i < 5; ++i) {
      const auto tag = random.below(4);
      const Generation generation{static_cast<std::uint32_t>(1 + random.below(3))};
      offers.push_back({tag == 0 ? BackendTag::Ended : BackendTag{tag}, generation});
    }
    const auto merged = [&] {
      Binding holds = offers.front();
      for (const Binding& offer : offers) {
        if (is_later(key, offer, holds)) holds = offer;
      }
      return holds;
    };
    const Binding first = merged();
    std::reverse(offers.begin(), offers.end());
    CHECK(merged() == first);
    std::rotate(offers.begin(), offers.begin() + 2, offers.end());
    CHECK(merged() == first);
  }
}
