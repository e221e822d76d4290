#include "admin/json_patch.h"

#include <doctest/doctest.h>

#include "tests/admin/merge_patch.h"

using namespace holdfast::admin;
using Json = nlohmann::ordered_json;

namespace {

Priority priority_of(std::string_view key) {
  if (key == "state") return Priority::Now;
  return key == "noise" ? Priority::Never : Priority::Later;
}

}  // namespace

TEST_CASE("a patch brings whoever knows the old document to the new one") {
  struct Row {
    const char* why;
    const char* known;
    const char* wanted;
    const char* patch;  // empty: none
  };
  const Row rows[] = {
      {"nothing has changed", R"({"a":1})", R"({"a":1})", ""},
      {"a number", R"({"a":1,"b":2})", R"({"a":1,"b":3})", R"({"b":3})"},
      {"deep inside", R"({"p":{"x":{"n":1},"y":{"n":1}}})", R"({"p":{"x":{"n":1},"y":{"n":2}}})",
       R"({"p":{"y":{"n":2}}})"},
      {"one comes", R"({"p":{"x":1}})", R"({"p":{"x":1,"y":{"n":2}}})", R"({"p":{"y":{"n":2}}})"},
      {"one comes in front", R"({"p":{"x":1}})", R"({"p":{"a":0,"x":1}})", R"({"p":{"a":0}})"},
      {"one goes", R"({"p":{"x":1,"y":2}})", R"({"p":{"y":2}})", R"({"p":{"x":null}})"},
      {"one goes, one comes", R"({"x":1,"y":2})", R"({"y":2,"z":3})", R"({"x":null,"z":3})"},
      {"an array is one value", R"({"a":[1,2]})", R"({"a":[1,3]})", R"({"a":[1,3]})"},
      {"a history grows", R"({"history":[1,2]})", R"({"history":[1,2,3]})", R"({"history":[3]})"},
      {"another order is no change", R"({"a":1,"b":2})", R"({"b":2,"a":1})", ""},
      {"what nobody wants is not told", R"({"noise":1})", R"({"noise":2})", ""},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    Json known = Json::parse(row.known);
    Json page = known;
    const Json wanted = Json::parse(row.wanted);
    const auto patch = catch_up(known, wanted, priority_of, Priority::Later);
    REQUIRE(patch.has_value() == (row.patch[0] != '\0'));
    if (!patch) continue;
    CHECK(*patch == Json::parse(row.patch));
    merge_patch(page, *patch);
    // Objects know no order.
    CHECK(nlohmann::json::parse(page.dump()) == nlohmann::json::parse(wanted.dump()));
    CHECK_FALSE(catch_up(known, wanted, priority_of, Priority::Later).has_value());
  }
}

TEST_CASE("a history that has lost its front is told by its end; one that is all new, as a whole") {
  Json known = Json::parse(R"({"history":[[1,"a"],[2,"b"]]})");
  CHECK(*catch_up(known, Json::parse(R"({"history":[[2,"b"],[3,"c"]]})"), priority_of, Priority::Later) ==
        Json::parse(R"({"history":[[3,"c"]]})"));
  CHECK(*catch_up(known, Json::parse(R"({"history":[[8,"x"],[9,"y"]]})"), priority_of, Priority::Later) ==
        Json::parse(R"({"history":[[8,"x"],[9,"y"]]})"));
}

TEST_CASE("in haste only what is urgent is told, and the rest is not forgotten") {
  Json known = Json::parse(R"({"x":{"state":"UP","n":1},"y":{"state":"UP","n":1}})");
  const Json wanted = Json::parse(R"({"x":{"state":"DOWN","n":5},"y":{"state":"UP","n":6}})");
  CHECK(*catch_up(known, wanted, priority_of, Priority::Now) == Json::parse(R"({"x":{"state":"DOWN"}})"));
  CHECK_FALSE(catch_up(known, wanted, priority_of, Priority::Now).has_value());
  CHECK(*catch_up(known, wanted, priority_of, Priority::Later) == Json::parse(R"({"x":{"n":5},"y":{"n":6}})"));
}
