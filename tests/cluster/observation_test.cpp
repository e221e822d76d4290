#include "cluster/observation.h"

#include <doctest/doctest.h>

#include "tests/cluster/words.h"

using namespace holdfast;
using namespace holdfast::cluster;
using namespace holdfast::tests;
using namespace std::chrono_literals;

TEST_CASE("a proxy's word survives the way, and ages arrive as ages") {
  ProxyReport said = proxy(
      "lb1", {{"shop/app1", passing(3s)}, {"shop/app2", failing(5s, 1s)}, {"x/\"y\"", starting()}, {"x/z", sick()}},
      Standing::CutOff);
  said.number = 42;
  const auto parsed = parse_proxy_report(text_of(said, kNow), kNow + 1h);
  REQUIRE(parsed);
  CHECK(parsed->id() == "lb1#1");
  CHECK(parsed->standing == Standing::CutOff);
  CHECK(parsed->number == 42);
  REQUIRE(parsed->sees.size() == 4);
  CHECK(parsed->sees.at("x/z").probe == health::ProbeState::Sick);
  CHECK(parsed->sees.at("x/z").sick_in_a_row == 9);
  CHECK(parsed->sees.at("x/z").is_trouble());
  CHECK(!parsed->sees.at("x/z").is_out_of_reach());
  const Observation& failed = parsed->sees.at("shop/app2");
  CHECK(failed.probe == health::ProbeState::Failing);
  CHECK(failed.failed_in_a_row == 3);
  CHECK(failed.reason == "probe_refused");
  CHECK(failed.number == 42);
  CHECK(*failed.probed == kNow + 1h - 1s);
  CHECK(*failed.failing_since == kNow + 1h - 5s);
  CHECK(failed.is_trouble());
  CHECK(!parsed->sees.at("shop/app1").is_trouble());
  CHECK(!parsed->sees.at("shop/app1").failing_since);
  CHECK(!parsed->sees.at("x/\"y\"").probed);
}

TEST_CASE("a broadcast survives the way") {
  Broadcast said{.proxy = "lb1#1", .backend = "shop/app1", .seen = failing(5s, 1s)};
  said.seen.number = 7;
  said.seen.is_suspect = true;
  const auto parsed = parse_broadcast(text_of(said, kNow), kNow);
  REQUIRE(parsed);
  CHECK(parsed->proxy == said.proxy);
  CHECK(parsed->backend == said.backend);
  CHECK(parsed->seen == said.seen);
}

TEST_CASE("what is no word is none") {
  for (const char* text :
       {"", "x", "[]", "{}", "null", R"({"name":"a"})", R"({"name":"a","instance":"b","number":1})",
        R"({"name":"","instance":"b","number":1,"sees":{}})", R"({"name":1,"instance":"b","number":1,"sees":{}})",
        R"({"name":"a","instance":"b","number":-1,"sees":{}})",
        R"({"name":"a","instance":"b","number":1,"sees":[]})"}) {
    CAPTURE(text);
    CHECK(!parse_proxy_report(text, kNow));
    CHECK(!parse_broadcast(text, kNow));
  }
  CHECK(!parse_broadcast(R"({"node":"a","backend":"b","number":1,"sees":["walking",false,1,1,1,1,""]})", kNow));
  CHECK(!parse_broadcast(R"({"node":"a","backend":"b","number":1,"sees":[]})", kNow));
}

TEST_CASE("what is strange inside a word is left out, the rest counts") {
  const auto parsed = parse_proxy_report(
      R"({"name":"a","instance":"b","number":1,"more":true,"sees":{"p/1":["passing",false,1,0,-5,null,"","more"],)"
      R"("p/2":["later",false,1,0,5,null,""],"p/3":7,"p/4":["failing",false,99999999999,"x",9e99,1e3,""]}})",
      kNow);
  REQUIRE(parsed);
  REQUIRE(parsed->sees.size() == 2);
  CHECK(*parsed->sees.at("p/1").probed == kNow);
  CHECK(parsed->sees.at("p/4").passed_in_a_row == 4'294'967'295u);
  CHECK(parsed->sees.at("p/4").failed_in_a_row == 0);
  CHECK(!parsed->sees.at("p/4").probed);
}

TEST_CASE("what is observed is our own") {
  health::OwnObservation own;
  own.probe = health::ProbeState::Passing;
  own.passed_in_a_row = 4;
  own.probed = kNow;
  const Observation seen = observe(own);
  CHECK(seen.probe == health::ProbeState::Passing);
  CHECK(seen.passed_in_a_row == 4);
  CHECK(seen.probed == kNow);
  CHECK(!seen.is_trouble());
  CHECK(seen.reason.empty());
  own.request_failed = true;
  own.reason = health::Reason::RequestFailed;
  CHECK(observe(own).is_trouble());
  CHECK(observe(own).reason == "request_failed");
}
