#include "health/rise_fall.h"

#include <doctest/doctest.h>

#include <string_view>

using namespace holdfast::health;

TEST_CASE("probes in a row decide, one blip does not") {
  struct Row {
    const char* why;
    std::uint32_t rise, fall;
    std::string_view probes;  // '+' passed, '-' failed, 's' sick, '*' starting
    ProbeState want;
    bool changing;
  };
  const Row rows[] = {
      {"no probe yet", 2, 3, "", ProbeState::Starting, true},
      {"the first good probe is enough at the start", 2, 3, "+", ProbeState::Passing, false},
      {"a start needs `fall` bad ones to be down", 2, 3, "--", ProbeState::Starting, true},
      {"down from the start", 2, 3, "---", ProbeState::Failing, false},
      {"a good one after two bad ones at the start", 2, 3, "--+", ProbeState::Passing, false},
      {"one blip", 2, 3, "+-", ProbeState::Passing, true},
      {"blip over", 2, 3, "+-+", ProbeState::Passing, false},
      {"bad ones count only in a row", 2, 3, "+--+--", ProbeState::Passing, true},
      {"fall", 2, 3, "+---", ProbeState::Failing, false},
      {"one good probe does not bring it back", 2, 3, "+---+", ProbeState::Failing, true},
      {"good ones count only in a row", 2, 3, "+---+-+", ProbeState::Failing, true},
      {"rise", 2, 3, "+---++", ProbeState::Passing, false},
      {"rise and fall of one", 1, 1, "+-+-", ProbeState::Failing, false},
      {"zero counts as one", 0, 0, "-+", ProbeState::Passing, false},
      {"long rise", 5, 1, "-++++", ProbeState::Failing, true},
      {"long rise reached", 5, 1, "-+++++", ProbeState::Passing, false},
      {"sick from the start", 2, 3, "s", ProbeState::Sick, false},
      {"one sick look", 2, 3, "+s", ProbeState::Passing, true},
      {"sick only in a row", 2, 3, "+ss+ss", ProbeState::Passing, true},
      {"sick", 2, 3, "+sss", ProbeState::Sick, false},
      {"sick and failing do not add up", 2, 3, "+s-s-", ProbeState::Passing, true},
      {"one good look at a sick one", 2, 3, "s+", ProbeState::Sick, true},
      {"well again", 2, 3, "s++", ProbeState::Passing, false},
      {"a sick one dies", 2, 3, "s---", ProbeState::Failing, false},
      {"back from the dead, but sick", 2, 3, "---ss", ProbeState::Sick, false},
      {"back from the dead, sick and well", 2, 3, "---s+", ProbeState::Sick, true},
      {"it says it is starting", 2, 3, "*", ProbeState::Starting, false},
      {"for as long as it likes", 2, 3, "******", ProbeState::Starting, false},
      {"started", 2, 3, "**+", ProbeState::Passing, false},
      {"started, but sick", 2, 3, "**s", ProbeState::Sick, false},
      {"it dies while it starts", 2, 3, "**---", ProbeState::Failing, false},
      {"a blip while it starts", 2, 3, "**-", ProbeState::Starting, true},
      {"a restart is not believed at once", 2, 3, "+*", ProbeState::Passing, true},
      {"a restart", 2, 3, "+***", ProbeState::Starting, false},
      {"a restart seen between failures", 2, 3, "+--*", ProbeState::Starting, false},
      {"back from the dead, starting", 2, 3, "---*", ProbeState::Starting, false},
      {"back from the dead, started", 2, 3, "---*+", ProbeState::Passing, false},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    RiseFall counter(row.rise, row.fall);
    for (const char probe : row.probes) {
      counter.record(probe == '+'   ? ProbeResult::Passed
                     : probe == 's' ? ProbeResult::Sick
                     : probe == '*' ? ProbeResult::Starting
                                    : ProbeResult::Failed);
    }
    CHECK(counter.state() == row.want);
    CHECK(counter.is_changing() == row.changing);
  }
}

TEST_CASE("the counts in a row are those of the last run") {
  RiseFall counter(2, 3);
  counter.record(ProbeResult::Passed);
  counter.record(ProbeResult::Passed);
  CHECK(counter.passed_in_a_row() == 2);
  counter.record(ProbeResult::Failed);
  CHECK(counter.passed_in_a_row() == 0);
  CHECK(counter.failed_in_a_row() == 1);
}
