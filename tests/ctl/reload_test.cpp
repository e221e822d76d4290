#include "ctl/reload.h"

#include <doctest/doctest.h>

#include <string>

using holdfast::ctl::reload_words;

TEST_CASE("a reload in words") {
  struct Row {
    const char* response;
    const char* words;
  };
  const Row rows[] = {
      {R"({"applied":true,"changes":[],"removed":[]})", "nothing has changed\n"},
      {R"({"applied":true,"changes":[{"key":"a.b","before":"1","after":"2","effect":"at once"}],"removed":[]})",
       "~ a.b = 2, was 1\nin force\n"},
      {R"({"applied":false,"changes":[{"key":"a","before":"","after":"2","effect":"at once"}],"removed":[]})",
       "+ a = 2\nchecked, not applied\n"},
      {R"({"applied":true,"changes":[{"key":"a","before":"1","after":"","effect":"after a restart"}]})",
       "- a = 1  (after a restart only)\nin force\n"},
      {R"({"applied":true,"changes":[{"key":"a","before":"1","after":"","effect":"at once"}],)"
       R"("removed":[{"backend":"p/a","sessions":7}]})",
       "- a = 1\np/a is gone: 7 sessions move with their next requests\nin force\n"},
      {"{\"applied\":true,\"changes\":[{\"key\":\"a\\u001b[2J\",\"before\":\"1\",\"after\":\"\",\"effect\":\"at "
       "once\"}]}",
       "- a?[2J = 1\nin force\n"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.response);
    const auto words = reload_words(row.response);
    REQUIRE(words);
    CHECK(*words == row.words);
  }
  for (const char* other : {"", "[]", "{}", "<html>", R"({"changes":1})"}) CHECK_FALSE(reload_words(other));
}
