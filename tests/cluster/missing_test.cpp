#include "cluster/missing.h"

#include <doctest/doctest.h>

#include "tests/cluster/words.h"

using namespace holdfast;
using namespace holdfast::cluster;
using namespace holdfast::tests;
using namespace std::chrono_literals;

namespace {

using Names = std::vector<std::string>;

Roster::MembershipChange left(Names ids) { return {.joined = {}, .left = std::move(ids)}; }

}  // namespace

TEST_CASE("who went without a goodbye is missing until one of its name is there again") {
  Missing missing("a");
  missing.note(left({"c#1", "b#1"}), {}, kNow);
  CHECK(missing.names() == Names{"c", "b"});
  missing.note({}, {proxy("b")}, kNow + 1s);
  CHECK(missing.names() == Names{"c"});
  missing.note({}, {}, kNow + Missing::kKept);
  CHECK(missing.names() == Names{"c"});
  missing.note({}, {}, kNow + Missing::kKept + 1s);
  CHECK(missing.names().empty());
}

TEST_CASE("who is there under the same name is not missing: neither another, nor we after a start") {
  Missing missing("a");
  missing.note(left({"b#0", "a#0"}), {proxy("b")}, kNow);
  CHECK(missing.names().empty());
}

TEST_CASE("a goodbye that was heard late excuses") {
  Missing missing("a");
  missing.note(left({"b#1", "c#1"}), {}, kNow);
  missing.on_goodbye("b#1");
  missing.on_goodbye("c#2");
  CHECK(missing.names() == Names{"c"});
}

TEST_CASE("however many go, the last ones are named") {
  Missing missing("a");
  for (std::size_t i = 0; i <= Missing::kNamesMax; ++i) missing.note(left({"n" + std::to_string(i) + "#1"}), {}, kNow);
  REQUIRE(missing.names().size() == Missing::kNamesMax);
  CHECK(missing.names().front() == "n1");
}
