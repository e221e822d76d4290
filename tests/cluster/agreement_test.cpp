#include "cluster/agreement.h"

#include <doctest/doctest.h>

#include "tests/cluster/words.h"

using namespace holdfast;
using namespace holdfast::cluster;
using namespace holdfast::tests;
using namespace std::chrono_literals;
using health::Quorum;

namespace {

constexpr const char* kBackend = "shop/app1";

std::vector<ProxyReport> proxies(std::vector<Observation> seen) {
  std::vector<ProxyReport> out;
  out.reserve(seen.size());
  for (Observation& one : seen)
    out.push_back(proxy(std::string(1, static_cast<char>('b' + out.size())), {{kBackend, one}}));
  return out;
}

}  // namespace

TEST_CASE("agreement: more than half of those that count") {
  Observation wavers = passing(100ms);
  wavers.failed_in_a_row = 1;
  struct Row {
    const char* why;
    Observation own;
    std::vector<Observation> others;
    Quorum want;
    Standing standing = Standing::InTouch;
  };
  const Row rows[] = {
      {"alone and well", passing(), {}, Quorum::None},
      {"alone and not: each for itself", failing(), {}, Quorum::None},
      {"two, both well", passing(), {passing()}, Quorum::Up},
      {"two, both not", failing(), {failing()}, Quorum::Down},
      {"two that differ agree on nothing", failing(), {passing()}, Quorum::None},
      {"two that differ, the other way round", passing(), {failing()}, Quorum::None},
      {"three, we alone do not", failing(), {passing(), passing()}, Quorum::Up},
      {"three, we alone do", passing(), {failing(), failing()}, Quorum::Down},
      {"three, one of the others does not", passing(), {passing(), failing()}, Quorum::Up},
      {"three, two of us do not", failing(), {passing(), failing()}, Quorum::Down},
      {"three, all not", failing(), {failing(), failing()}, Quorum::Down},
      {"four, even", failing(), {failing(), passing(), passing()}, Quorum::None},
      {"four, three of them", failing(), {passing(), passing(), passing()}, Quorum::Up},
      {"who starts does not count", failing(), {starting(), passing()}, Quorum::None},
      {"who starts and another", passing(), {starting(), failing()}, Quorum::None},
      {"who has not looked for long does not count", failing(), {passing(1h), passing(1h)}, Quorum::None},
      {"what others saw before we did is no evidence", failing(2s), {passing(3s), passing(3s)}, Quorum::None},
      {"nor half of it", failing(2s), {passing(3s), passing(1s)}, Quorum::None},
      {"who wavers vouches for nobody", failing(2s), {wavers, passing(1s)}, Quorum::None},
      {"but is not down yet", passing(), {wavers, failing()}, Quorum::None},
      {"we have not looked: the others decide", starting(), {passing(), passing()}, Quorum::Up},
      {"we have not looked: dead", starting(), {failing(), failing()}, Quorum::Down},
      {"cut off, our own does not count", failing(), {passing()}, Quorum::Up, Standing::CutOff},
      {"cut off, and dead for the others too", failing(), {failing()}, Quorum::Down, Standing::CutOff},
      {"sick is reached", passing(), {sick(), sick()}, Quorum::Sick},
      {"sick for all", sick(), {sick(), sick()}, Quorum::Sick},
      {"sick for us alone", sick(), {passing(), passing()}, Quorum::Up},
      {"we alone do not, and it is sick", failing(), {sick(), sick()}, Quorum::Sick},
      {"half of them find it sick: no more than that", failing(), {sick(), passing()}, Quorum::Up},
      {"sick beside dead", failing(), {sick(), failing()}, Quorum::Down},
      {"cut off and alone", failing(), {}, Quorum::None, Standing::CutOff},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    const Tally tally = tally_of(kBackend, &row.own, row.standing, proxies(row.others), kNow, 10s);
    CHECK(agree(tally, row.standing) == row.want);
  }
}

TEST_CASE("who is cut off has no voice, nor who does not know the backend") {
  auto others = proxies({passing(), failing(), failing()});
  others[1].standing = Standing::CutOff;
  others[2].sees.clear();
  const Observation own = passing();
  const Tally tally = tally_of(kBackend, &own, Standing::InTouch, others, kNow, 10s);
  CHECK(tally.voters() == 2);
  CHECK(tally.down == 0);
  CHECK(agree(tally, Standing::InTouch) == Quorum::Up);
}

TEST_CASE("a backend we do not have, or do not probe, is judged by the others") {
  const Tally tally = tally_of(kBackend, nullptr, Standing::InTouch, proxies({failing(), failing()}), kNow, 10s);
  CHECK(agree(tally, Standing::InTouch) == Quorum::Down);
}

TEST_CASE("the reason in words, and how old a look may be") {
  const Observation own = passing();
  const Tally tally = tally_of(kBackend, &own, Standing::InTouch, proxies({failing(), failing()}), kNow, 10s);
  CHECK(words_of(tally) == "2 of 3 proxies do not reach it");
  CHECK(fresh_max({.interval = 2s, .timeout = 1s}, 3) == 13s);
}
