#include "ctl/quarantine.h"

#include <doctest/doctest.h>

using namespace holdfast::ctl;
using Verb = CtlQuarantine::Verb;

TEST_CASE("quarantine: what is asked for") {
  CHECK(quarantine_ask({.verb = Verb::List})->path == "/api/v1/quarantine");
  CHECK(quarantine_ask({.verb = Verb::List})->body.empty());
  const auto release = quarantine_ask({.verb = Verb::Release, .id = "8d3a"});
  CHECK(release->path == "/api/v1/quarantine/8d3a/release");
  CHECK(release->body == "{}");
  CHECK_FALSE(quarantine_ask({.verb = Verb::Release, .id = "a/b"}));
}

TEST_CASE("quarantine: what is said") {
  const CtlQuarantine list{.verb = Verb::List};
  CHECK(*quarantine_words(list, R"({"requests":[]})") == "no request is in quarantine\n");
  const auto words = quarantine_words(list, R"({"requests":[{"id":"8d3a5f0e61c2b794","pool":"shop","backend":"app1",
      "method":"POST","path":"/boom\u001b[2J","caller":"all","crashes":2,"since":"2026-01-31T12:00:00.000Z","seconds_left":91}]})");
  REQUIRE(words);
  CHECK(words->find("8d3a5f0e61c2b794  shop/app1                   2     91s  all     POST /boom?[2J\n") !=
        std::string::npos);
  CHECK(*quarantine_words({.verb = Verb::Release}, R"({"id":"8d3a","released":true})") ==
        "8d3a reaches backends again\n");
  for (const char* other : {"", "[]", "{}", R"({"requests":1})"}) CHECK_FALSE(quarantine_words(list, other));
}
