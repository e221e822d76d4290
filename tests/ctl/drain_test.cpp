// What holdfastctl says while a drain goes on.
#include "ctl/drain.h"

#include <doctest/doctest.h>

#include "admin/status_json.h"
#include "tests/admin/sample_view.h"

using namespace holdfast;
using namespace holdfast::ctl;
using namespace std::chrono_literals;

namespace {

admin::StatusView draining(std::uint64_t sessions, const admin::DrainView& drain) {
  admin::StatusView view = admin::sample_view(1);
  admin::BackendView& backend = view.pools[0].backends[0];
  backend.state = health::State::Draining;
  backend.order = "drain";
  backend.sessions = sessions;
  backend.drain = drain;
  return view;
}

std::string words_of(const admin::StatusView& view) {
  const auto progress = drain_progress(admin::status_json(view), "shop/app1");
  return progress ? progress->numbers + progress->outlook : progress.error().text;
}

}  // namespace

TEST_CASE("a drain's progress in words") {
  CHECK(words_of(draining(12, {.active = 3, .idle = 9, .idle_gone_in = 830s, .requests_elsewhere = 0})) ==
        "12 sessions left (3 active, 9 idle), 0 requests under way; the idle ones are gone in 14m if they stay away");
  CHECK(words_of(draining(1, {.idle = 1, .idle_gone_in = 29500ms, .requests_elsewhere = 0})) ==
        "1 session left (0 active, 1 idle), 0 requests under way; gone in 30s if they stay away");
  admin::StatusView view = draining(0, {.long_lived = 2, .requests_elsewhere = 4, .is_counted = false});
  view.pools[0].backends[0].requests_in_flight = 2;
  view.pools[0].backends[0].deadline = admin::wall(1'769'861'400);
  CHECK(words_of(view) ==
        "0 sessions left, 6 requests under way, 2 of them long-lived; deadline 2026-01-31T12:10:00.000Z; the proxy may "
        "not "
        "know all of them yet");
  view.pools[0].name = "other";
  CHECK(words_of(view) == "the proxy does not know shop/app1 any more");
}

TEST_CASE("while it is not known what other proxies do there, that is said") {
  CHECK(words_of(draining(0, {})) ==
        "0 sessions left, 0 requests under way; the other proxies have not yet reported what is under way");
}

TEST_CASE("what a drain's progress says to programs") {
  const auto progress = drain_progress(admin::status_json(draining(3, {.active = 3})), "shop/app1");
  REQUIRE(progress);
  CHECK(progress->order == "drain");
  CHECK(progress->sessions == 3);
  CHECK_FALSE(progress->is_over);
  const auto over = drain_progress(admin::status_json(draining(0, {.is_over = true})), "shop/app1");
  CHECK((over && over->is_over));
  const auto ready = drain_progress(admin::status_json(admin::sample_view(1)), "shop/app1");
  CHECK((ready && ready->order == "ready" && !ready->is_over));
}

TEST_CASE("lengths of time, about") {
  CHECK(about(0) == "0s");
  CHECK(about(99) == "99s");
  CHECK(about(100) == "2m");
  CHECK(about(840) == "14m");
  CHECK(about(7201) == "3h");
}
