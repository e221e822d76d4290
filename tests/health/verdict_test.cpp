#include "health/verdict.h"

#include <doctest/doctest.h>

#include <initializer_list>

using namespace holdfast::health;

namespace {

constexpr auto kOut = Ejection::Ejected;
constexpr auto kIn = Ejection::None;
constexpr auto kReady = OperatorState::Ready;
constexpr auto kDrain = OperatorState::Drain;
constexpr auto kMaint = OperatorState::Maint;
constexpr auto kSuspect = Suspected::Yes;
constexpr auto kClean = Suspected::No;
constexpr auto kQuorumUp = Quorum::Up;
constexpr auto kQuorumDown = Quorum::Down;

struct Row {
  const char* why;
  Evidence evidence;
  Judgement want;
};

void check_rows(std::initializer_list<Row> rows) {
  for (const Row& row : rows) {
    INFO(row.why);
    const Judgement got = judge(row.evidence);
    CHECK(name_of(got.state) == name_of(row.want.state));
    CHECK(got.source == row.want.source);
    CHECK(got.suspected == row.want.suspected);
  }
}

}  // namespace

TEST_CASE("verdict: who wins when our own sources disagree") {
  check_rows({
      {"no traffic before the first good probe",
       {ProbeState::Starting, kIn, kReady, kClean},
       {State::Starting, Source::Probe}},
      {"starting hides suspicion", {ProbeState::Starting, kIn, kReady, kSuspect}, {State::Starting, Source::Probe}},
      {"all well", {ProbeState::Passing, kIn, kReady, kClean}, {State::Up, Source::Nobody}},
      {"suspect is still up", {ProbeState::Passing, kIn, kReady, kSuspect}, {State::Up, Source::Nobody, kSuspect}},
      {"real errors outweigh a probe", {ProbeState::Passing, kOut, kReady, kClean}, {State::Down, Source::Ejection}},
      {"down is not suspect any more", {ProbeState::Passing, kOut, kReady, kSuspect}, {State::Down, Source::Ejection}},
      {"failing probes", {ProbeState::Failing, kIn, kReady, kSuspect}, {State::Down, Source::Probe}},
      {"the probe's reason says more than the ejection",
       {ProbeState::Failing, kOut, kReady, kClean},
       {State::Down, Source::Probe}},
      {"drain keeps its sessions", {ProbeState::Passing, kIn, kDrain, kSuspect}, {State::Draining, Source::Operator}},
      {"drain does not hide death", {ProbeState::Failing, kIn, kDrain, kClean}, {State::Down, Source::Probe}},
      {"drain does not hide an ejection", {ProbeState::Passing, kOut, kDrain, kClean}, {State::Down, Source::Ejection}},
      {"drain does not let traffic in early",
       {ProbeState::Starting, kIn, kDrain, kClean},
       {State::Starting, Source::Probe}},
      {"maintenance hides everything", {ProbeState::Failing, kOut, kMaint, kSuspect}, {State::Maint, Source::Operator}},
      {"maintenance of a healthy one", {ProbeState::Passing, kIn, kMaint, kClean}, {State::Maint, Source::Operator}},
      {"starting for too long",
       {ProbeState::Starting, kIn, kReady, kClean, Quorum::None, Patience::Exhausted},
       {State::Down, Source::Probe}},
      {"starting for too long, in maintenance",
       {ProbeState::Starting, kIn, kMaint, kClean, Quorum::None, Patience::Exhausted},
       {State::Maint, Source::Operator}},
      {"an ejection at the start", {ProbeState::Starting, kOut, kReady, kClean}, {State::Down, Source::Ejection}},
  });
}

TEST_CASE("verdict: what the other proxies see, and what they cannot outvote") {
  check_rows({
      {"we alone do not reach it",
       {ProbeState::Failing, kIn, kReady, kClean, kQuorumUp},
       {State::Up, Source::Nobody, kSuspect}},
      {"a drain of what we alone do not reach",
       {ProbeState::Failing, kIn, kDrain, kClean, kQuorumUp},
       {State::Draining, Source::Operator}},
      {"we alone reach it", {ProbeState::Passing, kIn, kReady, kClean, kQuorumDown}, {State::Down, Source::Cluster}},
      {"nobody reaches it", {ProbeState::Failing, kIn, kReady, kClean, kQuorumDown}, {State::Down, Source::Probe}},
      {"everybody reaches it", {ProbeState::Passing, kIn, kReady, kClean, kQuorumUp}, {State::Up, Source::Nobody}},
      {"what our clients met is not outvoted",
       {ProbeState::Passing, kOut, kReady, kClean, kQuorumUp},
       {State::Down, Source::Ejection}},
      {"nor hidden by a probe of ours that fails",
       {ProbeState::Failing, kOut, kReady, kClean, kQuorumUp},
       {State::Down, Source::Ejection}},
      {"the others cannot let it in before we have looked",
       {ProbeState::Starting, kIn, kReady, kClean, kQuorumUp},
       {State::Starting, Source::Probe}},
      {"the others know already that it is dead",
       {ProbeState::Starting, kIn, kReady, kClean, kQuorumDown},
       {State::Down, Source::Cluster}},
      {"maintenance hides the quorum",
       {ProbeState::Passing, kIn, kMaint, kClean, kQuorumDown},
       {State::Maint, Source::Operator}},
  });
}

TEST_CASE("verdict: a backend that says it is sick") {
  check_rows({
      {"sick", {ProbeState::Sick, kIn, kReady, kSuspect}, {State::Sick, Source::Probe}},
      {"sick and drained: the same to sessions",
       {ProbeState::Sick, kIn, kDrain, kClean},
       {State::Draining, Source::Operator}},
      {"sick and ejected", {ProbeState::Sick, kOut, kReady, kClean}, {State::Down, Source::Ejection}},
      {"sick, in maintenance", {ProbeState::Sick, kIn, kMaint, kClean}, {State::Maint, Source::Operator}},
      {"sick, and we alone reach it",
       {ProbeState::Sick, kIn, kReady, kClean, kQuorumDown},
       {State::Down, Source::Cluster}},
      {"sick for us, well for the others: each for itself",
       {ProbeState::Sick, kIn, kReady, kClean, kQuorumUp},
       {State::Sick, Source::Probe}},
      {"well for us, sick for the others: each for itself",
       {ProbeState::Passing, kIn, kReady, kClean, Quorum::Sick},
       {State::Up, Source::Nobody}},
      {"we alone do not reach it, and it is sick for the others",
       {ProbeState::Failing, kIn, kReady, kClean, Quorum::Sick},
       {State::Sick, Source::Cluster}},
  });
}
