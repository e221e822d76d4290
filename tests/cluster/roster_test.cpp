#include "cluster/roster.h"

#include <doctest/doctest.h>

#include "tests/cluster/words.h"

using namespace holdfast;
using namespace holdfast::cluster;
using namespace holdfast::tests;
using namespace std::chrono_literals;

namespace {

Broadcast broadcast(std::string who, Observation seen, std::uint64_t number) {
  seen.number = number;
  return {.proxy = std::move(who), .backend = "shop/app1", .seen = std::move(seen)};
}

}  // namespace

TEST_CASE("who joins, who leaves, who is alive") {
  Roster roster("b#1");
  CHECK(!roster.is_fresh(kNow));
  auto change = roster.update({proxy("c"), proxy("b"), proxy("a")}, kNow);
  CHECK(change.joined == std::vector<std::string>{"a#1", "c#1"});
  CHECK(change.left.empty());
  CHECK(roster.others().size() == 2);
  CHECK(roster.update({proxy("a"), proxy("c")}, kNow + 1s).is_none());
  change = roster.update({proxy("a"), proxy("d")}, kNow + 2s);
  CHECK(change.joined == std::vector<std::string>{"d#1"});
  CHECK(change.left == std::vector<std::string>{"c#1"});
  CHECK(roster.is_fresh(kNow + 5s));
  CHECK(!roster.is_fresh(kNow + 5s + 1ns));
  CHECK(roster.remove("a#1"));
  CHECK(!roster.remove("a#1"));
  roster.forget();
  CHECK(roster.others().empty());
  CHECK(!roster.is_fresh(kNow + 2s));
}

TEST_CASE("what was broadcast is not unsaid by a word that was written before it") {
  Roster roster("a#1");
  roster.update({proxy("b", {{"shop/app1", passing()}})}, kNow);
  CHECK(roster.apply_update(broadcast("b#1", failing(), 5)));
  CHECK_FALSE_MESSAGE(roster.apply_update(broadcast("b#1", passing(), 4)), "it was overtaken on its way");
  CHECK_FALSE_MESSAGE(roster.apply_update(broadcast("b#1", failing(), 5)), "once is enough");
  CHECK_FALSE_MESSAGE(roster.apply_update(broadcast("x#1", failing(), 5)), "nobody we know");
  const auto seen = [&] { return roster.others().at(0).sees.at("shop/app1").probe; };
  ProxyReport older = proxy("b", {{"shop/app1", passing()}});
  older.number = 4;
  roster.update({older}, kNow + 1s);
  CHECK(seen() == health::ProbeState::Failing);
  older.number = 6;
  roster.update({older}, kNow + 2s);
  CHECK(seen() == health::ProbeState::Passing);
}

TEST_CASE("shares: each its own, and no hole where somebody is cut off") {
  const auto share_of = [](const char* me, std::vector<ProxyReport> live, Standing standing = Standing::InTouch) {
    Roster roster(std::string(me) + "#1");
    roster.update(std::move(live), kNow);
    const health::Share share = roster.share(standing, kNow);
    return std::pair(share.index, share.count);
  };
  const auto pair = [](unsigned index, unsigned count) {
    return std::pair(std::uint32_t{index}, std::uint32_t{count});
  };
  const std::vector<ProxyReport> three = {proxy("c"), proxy("a"), proxy("b")};
  CHECK(share_of("a", three) == pair(0, 3));
  CHECK(share_of("b", three) == pair(1, 3));
  CHECK(share_of("c", three) == pair(2, 3));
  CHECK(share_of("a", {proxy("a")}) == pair(0, 1));
  CHECK(share_of("a", {}) == pair(0, 1));
  const std::vector<ProxyReport> cut = {proxy("c"), proxy("a", {}, Standing::CutOff), proxy("b")};
  CHECK(share_of("b", cut) == pair(0, 2));
  CHECK(share_of("c", cut) == pair(1, 2));
  CHECK(share_of("a", cut, Standing::CutOff) == pair(0, 1));
}

TEST_CASE("two of one name are two, and noticed") {
  Roster roster("lb#1");
  ProxyReport same_name = proxy("lb");
  same_name.instance = "2";
  roster.update({proxy("lb"), same_name}, kNow);
  CHECK(roster.others().size() == 1);
  CHECK(roster.duplicate_names("lb") == 1);
  CHECK(roster.duplicate_names("other") == 0);
}
