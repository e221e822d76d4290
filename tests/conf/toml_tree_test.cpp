#include "conf/toml_tree.h"

#include <doctest/doctest.h>

#include <string>

#include "conf/toml_scan.h"

using namespace holdfast::conf;

namespace {

TomlNode parsed(std::string_view text) {
  auto result = parse_toml(text);
  REQUIRE(std::holds_alternative<TomlNode>(result));
  return std::get<TomlNode>(std::move(result));
}

std::string place_text(Place place) { return std::to_string(place.line) + ":" + std::to_string(place.column); }

}  // namespace

TEST_CASE("every key and value knows its place, and entries are in the order of the file") {
  const TomlNode root = parsed("zebra = { a = 1 }\n[[list]]\nx = \"\xc3\xbc\" \n  [[list]]\n[b.c]\nd = [1,\n  true]\n");
  REQUIRE(root.entries.size() == 3);
  CHECK(root.entries[0].key == "zebra");
  CHECK(place_text(root.entries[0].value.entries[0].place) == "1:11");
  CHECK(place_text(root.entries[0].value.entries[0].value.place) == "1:15");
  const TomlNode& list = root.entries[1].value;
  REQUIRE(list.items.size() == 2);
  CHECK(place_text(list.items[0].place) == "2:1");
  CHECK(place_text(list.items[1].place) == "4:3");
  CHECK(list.items[0].find("x")->text == "\xc3\xbc");
  const TomlNode& d = *root.find("b")->find("c")->find("d");
  CHECK(place_text(root.find("b")->entries[0].place) == "5:4");
  CHECK(place_text(d.items[1].place) == "7:3");
  CHECK(d.items[1].is(TomlNode::Kind::Boolean));
  CHECK(root.find("nobody") == nullptr);
}

TEST_CASE("a syntax error has its place") {
  struct Row {
    const char* text;
    std::uint32_t line;
    const char* fragment;
  };
  const Row rows[] = {{"a = 1\nb = \n", 2, "expected value"}, {"[x]\n[y]\n[x]\n", 3, "redefine"},
                      {"a = 1\na = 2\n", 2, "redefine"},      {"a = \"never ends\n", 1, "string"},
                      {"a = [1,\n2", 2, "end-of-file"},       {"a = 1\n[%x]\n", 2, "expected bare key"},
                      {"[[%x]]\n", 1, "expected bare key"},   {"a = \"\xff\"\n", 1, "utf-8"}};
  for (const Row& row : rows) {
    INFO(std::string(row.text));
    const auto result = parse_toml(row.text);
    REQUIRE(std::holds_alternative<Diagnostic>(result));
    CHECK(std::get<Diagnostic>(result).line == row.line);
    CHECK(std::get<Diagnostic>(result).what.find(row.fragment) != std::string::npos);
  }
}

TEST_CASE("depth and size are bounded before they cost stack or memory") {
  const auto repeated = [](std::string_view piece, std::size_t times) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i) out += piece;
    return out;
  };
  const auto is_refused = [](const std::string& text) { return std::holds_alternative<Diagnostic>(parse_toml(text)); };
  CHECK(!is_refused(repeated("a.", kKeySegmentsMax - 1) + "b = 1\n"));
  CHECK(is_refused(repeated("a.", kKeySegmentsMax) + "b = 1\n"));
  CHECK(is_refused(repeated("a.", 1'000'000) + "b = 1\n"));
  CHECK(is_refused("[" + repeated("'a'.", 1'000'000) + "b]\n"));
  CHECK(is_refused("x = { " + repeated("\"\\\"\" . ", 500'000) + "b = 1 }\n"));
  CHECK(!is_refused("a = " + repeated("[", kNestedValuesMax - 1) + repeated("]", kNestedValuesMax - 1) + "\n"));
  CHECK(is_refused("a = " + repeated("[", kNestedValuesMax + 1) + repeated("]", kNestedValuesMax + 1) + "\n"));
  CHECK(is_refused("a = " + repeated("[", 1'000'000)));
  CHECK(!is_refused(repeated("#", kFileBytesMax)));
  CHECK(is_refused(repeated("#", kFileBytesMax + 1)));
}

TEST_CASE("dots inside strings, comments and values are not parts of a key") {
  for (const char* text : {"a = \"1.2.3.4.5\"", "a = '1.2.3.4.5'", "a = \"\"\"1.2.\n3\"\".4.5\"\"\"\"\"", "# 1.2.3.4.5",
                           "a = '''1.2.3\n'.4.5'''", "a = \"\\\"1.2.3.4.5\"", "a.b.c = 1\nd.e.f = 2",
                           "a = [1.0, 2.0, 3.0, 4.0]", "a = [\"\"\"x\"\"\"\", \"1.2.3.4.5\"]", "a.\"x.y.z\".b = 1"}) {
    INFO(std::string(text));
    CHECK(!find_trouble(text, 4));
  }
  for (const char* text : {"a.b.c.d.e = 1", "[a.'b'.c.d]", "# c\n[[a . b . c . d]]", "a = '' \n b.c.d.e.f = 1"}) {
    INFO(std::string(text));
    CHECK(find_trouble(text, 3).has_value());
  }
  CHECK(find_trouble("x = 1\na.b.c = 1", 2)->line == 2);
  CHECK(find_trouble("x = 1\na.b.c = 1", 2)->column == 4);
}

TEST_CASE("characters beyond ASCII stand in strings and comments only, and are no white space") {
  for (const char* text :
       {"\xef\xbb\xbf[a]", "a = \"\xc7\xb4\"", "a = '\xc7\xb4'", "# \xc7\xb4\na = 1", "\"\xc7\xb4\" = 1",
        "a = \"\"\"\xc7\xb4 \\\n x\xc7\xb4\"\"\"", "a = '''\\\xc7\xb4'''", "a = \"\"\" \\ \n \t\xc7\xb4\"\"\""}) {
    INFO(std::string(text));
    CHECK(std::holds_alternative<TomlNode>(parse_toml(text)));
  }
  // Each of the blocks of which toml++ 3.3 does not know whether they are white space.
  for (const std::string letter : {"\xc7\xb4", "\xe1\x92\x81", "\xe2\x84\x81", "\xe3\x81\x82", "\xef\xb7\xb7"}) {
    for (const char* before : {"", "[", "a", "a = ", "a = 1 ", "a = \"\" ", "a = \"\"\"\\", "a = 1\".", "a=2={\""}) {
      INFO(before << letter);
      CHECK(std::holds_alternative<Diagnostic>(parse_toml(before + letter + "\"\"\" = 1")));
    }
  }
  const auto result = parse_toml("# x\n\"\xc3\xbc\" = \xc3\xbc");
  REQUIRE(std::holds_alternative<Diagnostic>(result));
  CHECK(std::get<Diagnostic>(result).line == 2);
}
