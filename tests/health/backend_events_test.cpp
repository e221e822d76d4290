// What is told of one backend: the event of each change, and the changes that are none.
#include "health/backend_events.h"

#include <doctest/doctest.h>

#include "health/backend_state.h"

using namespace holdfast;
using namespace holdfast::health;
using namespace std::chrono_literals;

namespace {

constexpr conf::BackendId kId{7};
constexpr base::Instant kNow = base::Instant{} + 1h;

struct Fixture {
  Fixture() {
    events.begin(kNow - 5min);
    reasons.on_probe(Reason::ProbeRefused, "nobody listens");
    reasons.on_ejection(base::ErrorCode::Reset, 5);
    reasons.on_quorum("2 of 3 proxies do not reach it");
  }
  std::optional<Event> change(const Judgement& before, const Judgement& after, base::Instant now = kNow) {
    return events.on_change(before,
                            {.judgement = after,
                             .reason = reasons.of(after.source),
                             .reasons = reasons,
                             .suspicion = suspicion,
                             .ejected_until = kNow + 30s,
                             .overdue_since = overdue_since,
                             .last_detail = "status 200"},
                            now);
  }

  BackendEvents events{kId};
  BackendReasons reasons;
  Suspicion suspicion;
  std::optional<base::Instant> overdue_since;
};

constexpr Judgement kUp{State::Up, Source::Nobody};
constexpr Judgement kSuspect{State::Up, Source::Nobody, Suspected::Yes};
constexpr Judgement kSick{State::Sick, Source::Probe};
constexpr Judgement kDown{State::Down, Source::Probe};
constexpr Judgement kEjected{State::Down, Source::Ejection};
constexpr Judgement kStarting{State::Starting, Source::Probe};
constexpr Judgement kDraining{State::Draining, Source::Operator};

}  // namespace

TEST_CASE("each change has its event, or none") {
  struct Row {
    const char* why;
    Judgement before, after;
    std::optional<Event::Kind> want;
    Reason reason = Reason::None;
    const char* detail = "";
  };
  using Kind = Event::Kind;
  const Row rows[] = {
      {"the probes fail", kUp, kDown, Kind::Down, Reason::ProbeRefused, "nobody listens"},
      {"requests fail", kUp, kEjected, Kind::Ejected, Reason::Ejected,
       "5 requests in a row failed, the last one: reset"},
      {"the others say so",
       kUp,
       {State::Down, Source::Cluster},
       Kind::Down,
       Reason::Cluster,
       "2 of 3 proxies do not reach it"},
      {"it says it is sick", kUp, kSick, Kind::Sick, Reason::ProbeRefused, "nobody listens"},
      {"still sick, by another judge", kSick, {State::Sick, Source::Cluster}, std::nullopt},
      {"it starts again", kDown, kStarting, Kind::Starting, Reason::ProbeRefused, "nobody listens"},
      {"it is back", kDown, kUp, Kind::Up, Reason::None, "status 200"},
      {"a drain was taken back: that was said as an order", kDraining, kUp, std::nullopt},
      {"a drain begins: so was that", kUp, kDraining, std::nullopt},
      {"a probe has failed, the state holds", kUp, kSuspect, Kind::Suspect, Reason::ProbeRefused, "nobody listens"},
      {"all well again", kSuspect, kUp, std::nullopt}};
  for (const Row& row : rows) {
    INFO(row.why);
    Fixture f;
    const auto event = f.change(row.before, row.after);
    REQUIRE(event.has_value() == row.want.has_value());
    if (!event) continue;
    CHECK(event->backend == kId);
    CHECK(name_of(event->kind) == name_of(*row.want));
    CHECK(name_of(event->reason) == name_of(row.reason));
    CHECK(event->detail == row.detail);
  }
}

TEST_CASE("a suspicion names the request that failed; while it is only silence nothing is said") {
  Fixture f;
  SUBCASE("a request") {
    f.suspicion.on_failure(base::ErrorCode::Reset, kNow);
    const auto event = f.change(kUp, kSuspect);
    REQUIRE(event);
    CHECK(event->reason == Reason::RequestFailed);
    CHECK(event->detail == "reset");
  }
  SUBCASE("silence") {
    f.suspicion.on_silence(3s, kNow);
    CHECK_FALSE(f.change(kUp, kSuspect));
    CHECK(f.suspicion.confirm_silence());
    const auto event = f.events.on_silence_confirmed(
        {.judgement = kSuspect, .reason = Reason::None, .reasons = f.reasons, .suspicion = f.suspicion}, kNow);
    REQUIRE(event);
    CHECK(event->reason == Reason::Silence);
    CHECK(event->detail == "no response for 3000 ms, with requests in flight");
  }
}

TEST_CASE("suspicions are said once in a while, whatever they are made of") {
  Fixture f;
  CHECK(f.change(kUp, kSuspect));
  CHECK_FALSE(f.change(kUp, kSuspect, kNow + 9s));
  CHECK_MESSAGE(f.change(kUp, kDown, kNow + 9s), "a state is always said");
  CHECK(f.change(kUp, kSuspect, kNow + 10s));
}

TEST_CASE("since when: the first sign of trouble, the last time it was up") {
  Fixture f;
  CHECK_MESSAGE(f.change(kStarting, kUp)->since == 5min, "since it is watched");
  f.events.note_trouble(kNow + 1s);
  f.events.note_trouble(kNow + 2s);
  CHECK(f.change(kUp, kDown, kNow + 4s)->since == 3s);
  CHECK(f.change(kDown, kUp, kNow + 14s)->since == 10s);
  f.events.note_well();
  CHECK_MESSAGE(f.change(kUp, kDown, kNow + 20s)->since == 0s, "another trouble");
  const auto ejected = f.change(kUp, kEjected, kNow + 20s);
  CHECK(ejected->length == 10s);
  f.overdue_since = kNow - 1min;
  CHECK_MESSAGE(f.change(kStarting, kDown)->since == 1min, "since it says that it is starting");
}

TEST_CASE("an operator's order is told as it was given") {
  Fixture f;
  const Event event = f.events.on_order({.state = OperatorState::Drain, .by = "anna"});
  CHECK(name_of(event.kind) == "backend_draining");
  CHECK(event.reason == Reason::Operator);
  CHECK(event.order.by == "anna");
}

TEST_CASE("a slow start is for what was down, not for the proxy's own start or after a drain") {
  BackendState state;
  const base::WallTime wall{};
  state.begin(wall);
  state.enter(kUp, kNow, wall, 10s);
  CHECK(state.verdict().up_since == kNow);
  CHECK_FALSE(state.verdict().slow_start);
  state.enter(kDraining, kNow + 1s, wall + 1s, 10s);
  state.enter(kUp, kNow + 2s, wall + 2s, 10s);
  CHECK_MESSAGE(state.verdict().up_since == kNow, "a drain taken back");
  CHECK(state.since() == wall + 2s);
  state.enter(kSuspect, kNow + 3s, wall + 3s, 10s);
  CHECK(state.verdict().suspect);
  CHECK_MESSAGE(state.since() == wall + 2s, "the state is the same");
  state.enter(kDown, kNow + 4s, wall + 4s, 10s);
  CHECK_FALSE(state.verdict().suspect);
  state.enter(kDraining, kNow + 5s, wall + 5s, 10s);
  state.enter(kUp, kNow + 6s, wall + 6s, 10s);
  CHECK(state.verdict().up_since == kNow + 6s);
  CHECK(state.verdict().slow_start);
}
