#include "cluster/isolation.h"

#include <doctest/doctest.h>

#include "tests/cluster/words.h"

using namespace holdfast;
using namespace holdfast::cluster;
using namespace holdfast::tests;
using namespace std::chrono_literals;

namespace {

/// A backend we see as `own` and `others_up` of `others` have reached since.
struct Seen {
  char own;  // 'p'assing, 'f'ailing, 's'tarting
  std::uint32_t others;
  std::uint32_t others_up;
};

void round(Isolation& isolation, const std::vector<Seen>& seen, base::Instant now) {
  isolation.begin();
  for (const Seen& one : seen) {
    Tally tally;
    tally.own = one.own == 'p'   ? health::ProbeState::Passing
                : one.own == 'f' ? health::ProbeState::Failing
                                 : health::ProbeState::Starting;
    tally.others = one.others;
    tally.others_up = one.others_up;
    isolation.add(tally);
  }
  isolation.decide(now);
}

constexpr Seen kWell{'p', 2, 2};
constexpr Seen kAlone{'f', 2, 2};
constexpr Seen kDead{'f', 2, 0};
constexpr Seen kNobodyToAsk{'f', 0, 0};
constexpr Seen kStarting{'s', 2, 2};

}  // namespace

TEST_CASE("who is cut off, and who is not") {
  struct Row {
    const char* why;
    std::vector<Seen> seen;
    bool is_cut_off;
  };
  const Row rows[] = {
      {"all well", {kWell, kWell, kWell}, false},
      {"all down for us alone", {kAlone, kAlone, kAlone}, true},
      {"all dead for everybody", {kDead, kDead, kDead}, false},
      {"most of them", {kAlone, kAlone, kWell}, true},
      {"half of them", {kAlone, kWell}, false},
      {"one of many", {kAlone, kWell, kWell}, false},
      {"the only one", {kAlone}, true},
      {"nobody to compare with", {kNobodyToAsk, kNobodyToAsk}, false},
      {"nothing", {}, false},
      {"what we have not looked at does not count", {kAlone, kStarting, kStarting}, true},
      {"starting", {kStarting, kStarting}, false},
      {"an even split of the others is no majority", {{'f', 2, 1}, {'f', 2, 1}}, false},
      {"one other is enough", {{'f', 1, 1}}, true},
      {"some dead, some alone", {kDead, kDead, kAlone}, false},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    Isolation isolation;
    round(isolation, row.seen, kNow);
    CHECK_MESSAGE(isolation.standing() == Standing::InTouch, "not with the first look");
    round(isolation, row.seen, kNow + 1s);
    CHECK((isolation.standing() == Standing::CutOff) == row.is_cut_off);
  }
}

TEST_CASE("it says so in words, and ends when the backends are back or the others agree") {
  for (const std::vector<Seen>& end :
       {std::vector{kWell, kWell, kWell, kAlone}, std::vector{kDead, kDead, kDead, kDead},
        std::vector{kNobodyToAsk, kNobodyToAsk, kNobodyToAsk, kNobodyToAsk}}) {
    Isolation isolation;
    round(isolation, {kAlone, kAlone, kAlone, kWell}, kNow);
    round(isolation, {kAlone, kAlone, kAlone, kWell}, kNow + 1s);
    REQUIRE(isolation.standing() == Standing::CutOff);
    CHECK(isolation.reason() == "cut off: we alone do not reach 3 of 4 backends");
    round(isolation, {kAlone, kAlone, kWell, kWell}, kNow + 2s);
    CHECK_MESSAGE(isolation.standing() == Standing::CutOff, "half is not enough to come back");
    round(isolation, end, kNow + 3s);
    CHECK(isolation.standing() == Standing::InTouch);
    CHECK(isolation.reason().empty());
  }
}

TEST_CASE("a moment is no isolation, and a pause starts over") {
  Isolation isolation;
  round(isolation, {kAlone}, kNow);
  round(isolation, {kAlone}, kNow + 299ms);
  CHECK(isolation.standing() == Standing::InTouch);
  round(isolation, {kWell}, kNow + 300ms);
  round(isolation, {kAlone}, kNow + 400ms);
  CHECK(isolation.standing() == Standing::InTouch);
  isolation.forget();
  round(isolation, {kAlone}, kNow + 1h);
  CHECK(isolation.standing() == Standing::InTouch);
  round(isolation, {kAlone}, kNow + 1h + 300ms);
  CHECK(isolation.standing() == Standing::CutOff);
  isolation.forget();
  CHECK(isolation.standing() == Standing::InTouch);
}
