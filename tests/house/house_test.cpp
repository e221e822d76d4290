#include <doctest/doctest.h>

#include "tests/house/house_rules.h"

using namespace holdfast::house;

namespace {

void check_none(const std::vector<std::string>& offences) {
  for (const auto& offence : offences) FAIL_CHECK(offence);
}

}  // namespace

TEST_CASE("this tree keeps the rules of the house") {
  const Tree tree = read_tree(".");
  REQUIRE(tree.count("base/text.h") == 1);
  REQUIRE(tree.size() > 50);
  check_none(floor_offences(tree));
  check_none(library_offences(tree));
  check_none(cycle_offences(tree));
  check_none(length_offences(tree));
  check_none(orphan_offences(tree));
}

TEST_CASE("floors: downwards only, never sideways") {
  struct Row {
    const char* file;
    const char* include;
    bool is_allowed;
  };
  for (const Row& row :
       {Row{"proxy/exchange.cpp", "http/head.h", true}, Row{"proxy/exchange.h", "proxy/client.h", true},
        Row{"base/text.cpp", "http/head.h", false}, Row{"http/h1.cpp", "conf/settings.h", false},
        Row{"sessions/store.h", "health/view.h", false}, Row{"admin/page.cpp", "proxy/client.h", false},
        Row{"net/loop.cpp", "proxy/client.h", false}, Row{"server/worker.cpp", "admin/page.h", true},
        Row{"proxy/exchange.cpp", "tests/support/fake_net.h", false}, Row{"proxy/exchange.cpp", "client.h", false},
        Row{"tests/proxy/x_test.cpp", "server/worker.h", true}}) {
    CAPTURE(row.file);
    CAPTURE(row.include);
    const Tree tree{{row.file, std::string("#include \"") + row.include + "\"\n"}};
    const auto offences = floor_offences(tree);
    CHECK(offences.empty() == row.is_allowed);
    if (!row.is_allowed && !offences.empty()) {
      CHECK(offences[0].find(row.file) != std::string::npos);
      CHECK(offences[0].find(row.include) != std::string::npos);
    }
  }
}

TEST_CASE("libraries of the event loop stay in net/") {
  CHECK(library_offences({{"net/loop.cpp", "#include <event2/event.h>\n"}}).empty());
  CHECK(library_offences({{"http/x.cpp", "#include <openssl/evp.h>\n"}}).empty());
  for (const char* header : {"event2/event.h", "openssl/ssl.h", "hiredis/async.h", "event.h"}) {
    CAPTURE(header);
    CHECK(library_offences({{"proxy/x.cpp", std::string("  #  include <") + header + ">\n"}}).size() == 1);
  }
}

TEST_CASE("cycles are found, however long") {
  CHECK(cycle_offences({{"a/x.h", "#include \"a/y.h\"\n"}, {"a/y.h", "#include \"b/z.h\"\n"}, {"b/z.h", ""}}).empty());
  CHECK(cycle_offences(
            {{"a/x.h", "#include \"a/y.h\"\n"}, {"a/y.h", "#include \"b/z.h\"\n"}, {"b/z.h", "#include \"a/x.h\"\n"}})
            .size() == 1);
}

TEST_CASE("long files and files nobody builds are found") {
  std::string lines;
  for (int i = 0; i < 500; ++i) lines += "x\n";
  CHECK(length_offences({{"base/a.cpp", lines}}).empty());
  CHECK(length_offences({{"base/a.cpp", lines + "x\n"}}).size() == 1);
  CHECK(orphan_offences({{"base/a.cpp", ""}, {"base/folder.cmake", "holdfast_library(base SOURCES a)\n"}}).empty());
  CHECK(orphan_offences({{"base/b.cpp", ""}, {"base/folder.cmake", "holdfast_library(base SOURCES a)\n"}}).size() == 1);
  CHECK(orphan_offences({{"tests/base/a_test.cpp", ""}, {"tests/base/folder.cmake", "holdfast_tests(base NAMES a)\n"}})
            .empty());
  CHECK(orphan_offences({{"tests/base/b_test.cpp", ""}, {"tests/base/folder.cmake", "holdfast_tests(base NAMES a)\n"}})
            .size() == 1);
  CHECK(
      orphan_offences({{"server/main.cpp", ""}, {"server/folder.cmake", "add_executable(holdfast server/main.cpp)\n"}})
          .empty());
  CHECK(orphan_offences({{"t/a_fuzz.cpp", ""}, {"t/folder.cmake", "file(GLOB x ${D}/t/*_fuzz.cpp)\n"}}).empty());
  CHECK(orphan_offences({{"t/a.cpp", ""}, {"t/folder.cmake", "file(GLOB x ${D}/t/*_fuzz.cpp)\n"}}).size() == 1);
}
