#include "admin/status_patches.h"

#include <doctest/doctest.h>

#include "tests/admin/merge_patch.h"
#include "tests/admin/sample_view.h"

using namespace holdfast;
using namespace holdfast::admin;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

struct Fixture {
  explicit Fixture(std::size_t backends, StatusPatches::Limits limits = {}) : patches(source, limits) {
    source.view = sample_view(backends);
    CHECK_FALSE(patches.all(now).has_value());
    page = json::parse(patches.document());
  }
  BackendView& backend(std::size_t i) { return source.view.pools[0].backends[i]; }
  /// What a page is told after a second; null: nothing.
  json second() {
    now += 1s;
    const auto text = patches.step(now);
    if (!text) return {};
    json patch = json::parse(*text);
    merge_patch(page, patch);
    return patch;
  }
  /// The page knows what there is, but for the last probe, which its history has.
  bool page_is_right() const {
    const auto without_last = [](json status) {
      for (json& pool : status["pools"]) {
        for (json& backend : pool["backends"]) backend["probe"].erase("last");
      }
      return status;
    };
    StatusPatches fresh(source, {});
    fresh.all(now);
    return without_last(page) == without_last(json::parse(fresh.document()));
  }

  FakeStatusSource source;
  StatusPatches patches;
  base::Instant now{};
  json page;
};

}  // namespace

TEST_CASE("numbers go round: a step looks at some backends, and a page gets to know all") {
  Fixture f(10, {.number_bytes_per_second = 100'000, .backends_at_once = 4});
  for (std::size_t i = 0; i < 10; ++i) f.backend(i).requests_total += i + 1;
  f.source.view.pools[0].requests_total = 7;
  f.source.statuses = 0;

  json patch = f.second();
  CHECK(f.source.looks == 4);
  CHECK(patch["pools"]["shop"]["requests_total"] == 7);
  CHECK(patch["pools"]["shop"]["backends"] ==
        json::parse(R"({"app1":{"requests_total":101},"app2":{"requests_total":102},"app3":{"requests_total":103},
                        "app4":{"requests_total":104}})"));
  f.source.view.pools[0].requests_total = 8;
  patch = f.second();
  CHECK(patch["pools"]["shop"]["backends"].size() == 4);
  CHECK_FALSE(patch["pools"]["shop"].contains("requests_total"));  // those of pools come with the first backends
  CHECK(f.second()["pools"]["shop"]["backends"].size() == 2);
  CHECK(f.second()["pools"]["shop"]["requests_total"] == 8);
  CHECK(f.source.statuses == 0);
  CHECK(f.page_is_right());
}

TEST_CASE("a state is told by the next step, whoever's turn it is, and only what is urgent of it") {
  Fixture f(10, {.number_bytes_per_second = 100'000, .backends_at_once = 2});
  f.backend(8).state = health::State::Down;
  f.backend(8).reason = "probe_refused";
  f.backend(8).requests_total = 1000;
  f.backend(9).probe_state = "failing";
  CHECK(f.second()["pools"]["shop"]["backends"] ==
        json::parse(R"({"app9":{"state":"DOWN","reason":"probe_refused"},"app10":{"probe":{"state":"failing"}}})"));
  CHECK(f.source.looks == 4);  // two whose turn it was, two with news
  for (int i = 0; i < 4; ++i) f.second();
  CHECK(f.page["pools"]["shop"]["backends"]["app9"]["requests_total"] == 1000);
  CHECK(f.page_is_right());
}

TEST_CASE("numbers wait for the budget; nothing new is nothing to say") {
  Fixture f(3, {.number_bytes_per_second = 20});
  CHECK(f.second().is_null());
  f.backend(0).requests_total = 101;
  CHECK_FALSE(f.second().is_null());  // more than twenty bytes: overdrawn
  f.backend(0).requests_total = 102;
  CHECK(f.second().is_null());
  f.backend(1).state = health::State::Down;
  CHECK(f.second()["pools"]["shop"]["backends"] == json::parse(R"({"app2":{"state":"DOWN"}})"));
  for (int i = 0; i < 10; ++i) f.second();
  CHECK(f.page_is_right());
}

TEST_CASE("other backends after a reload: everything is looked at, and a page follows") {
  Fixture f(3);
  auto& pools = f.source.view.pools;
  pools[0].backends.erase(pools[0].backends.begin());
  pools[0].backends.insert(pools[0].backends.begin(), sample_backend("new", health::State::Starting));
  pools.push_back(pools[0]);
  pools[1].name = "blog";
  f.second();
  CHECK(f.page["pools"]["shop"]["backends"].size() == 3);
  CHECK(f.page_is_right());
  f.backend(0).state = health::State::Up;  // the order is that of the view again
  CHECK(f.second()["pools"]["shop"]["backends"] == json::parse(R"({"new":{"state":"UP"}})"));
  pools.pop_back();
  f.second();
  CHECK_FALSE(f.page["pools"].contains("blog"));
  CHECK(f.page_is_right());
}

TEST_CASE("who comes later knows all there is, and the others are told it too") {
  Fixture f(10, {.number_bytes_per_second = 100'000, .backends_at_once = 2});
  f.backend(9).sessions = 77;
  const auto patch = f.patches.all(f.now);
  REQUIRE(patch.has_value());
  merge_patch(f.page, json::parse(*patch));
  CHECK(f.page["pools"]["shop"]["backends"]["app10"]["sessions"] == 77);
  CHECK(json::parse(f.patches.document())["pools"]["shop"]["backends"]["app10"]["sessions"] == 77);
  f.patches.forget();
  CHECK_FALSE(f.patches.all(f.now).has_value());
}
