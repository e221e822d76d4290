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
  check_none(unit_cycle_offences(tree));
  check_none(link_offences(tree));
  check_none(length_offences(tree));
  check_none(orphan_offences(tree));
  check_none(thread_offences(tree));
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

TEST_CASE("libraries of the event loop stay in net/, that of Redis in redis/") {
  CHECK(library_offences({{"net/loop.cpp", "#include <event2/event.h>\n"}}).empty());
  CHECK(library_offences({{"redis/resp.cpp", "#include <hiredis/read.h>\n"}}).empty());
  CHECK(library_offences({{"http/x.cpp", "#include <openssl/evp.h>\n"}}).empty());
  for (const char* header : {"event2/event.h", "openssl/ssl.h", "hiredis/async.h", "event.h"}) {
    CAPTURE(header);
    CHECK(library_offences({{"proxy/x.cpp", std::string("  #  include <") + header + ">\n"}}).size() == 1);
  }
  CHECK(library_offences({{"net/x.cpp", "#include <hiredis/read.h>\n"}}).size() == 1);
  CHECK(library_offences({{"redis/x.cpp", "#include <event2/event.h>\n"}}).size() == 1);
}

TEST_CASE("cycles are found, however long") {
  CHECK(cycle_offences({{"a/x.h", "#include \"a/y.h\"\n"}, {"a/y.h", "#include \"b/z.h\"\n"}, {"b/z.h", ""}}).empty());
  CHECK(cycle_offences(
            {{"a/x.h", "#include \"a/y.h\"\n"}, {"a/y.h", "#include \"b/z.h\"\n"}, {"b/z.h", "#include \"a/x.h\"\n"}})
            .size() == 1);
}

TEST_CASE("a unit's header and source count as one in a cycle") {
  const std::string to_b = "#include \"p/b.h\"\n";
  const std::string to_a = "#include \"p/a.h\"\n";
  CHECK(unit_cycle_offences({{"p/a.h", ""}, {"p/a.cpp", to_a + to_b}, {"p/b.h", ""}, {"p/b.cpp", to_b}}).empty());
  const auto found = unit_cycle_offences({{"p/a.cpp", to_a + to_b}, {"p/b.cpp", to_b + to_a}});
  REQUIRE(found.size() == 1);
  CHECK(found[0] == "include cycle: p/a -> p/b -> p/a");
}

TEST_CASE("a library links what it includes, and no more") {
  struct Row {
    const char* what;
    const char* http_links;
    const char* include;
    std::size_t offences;
  };
  const std::string net = "holdfast_library(tls FOLDER net SOURCES tls)\nholdfast_library(net SOURCES loop)\n";
  for (const Row& row :
       {Row{"linked and used", "LINKS fmt::fmt holdfast::net", "net/loop.h", 0},
        Row{"also where nobody sees it", "PRIVATE_LINKS holdfast::net", "net/loop.h", 0},
        Row{"not linked", "LINKS fmt::fmt", "net/loop.h", 1}, Row{"not used", "LINKS holdfast::net", "http/y.h", 1},
        Row{"a part by itself", "LINKS holdfast::tls", "net/tls.h", 0},
        Row{"of a part, the rest is not enough", "LINKS holdfast::net", "net/tls.h", 1},
        Row{"of the rest, a part is not enough", "LINKS holdfast::tls", "net/loop.h", 2},
        Row{"only a header", "LINKS holdfast::net", "net/stream.h", 0},
        Row{"only a header, not linked", "", "net/stream.h", 1}}) {
    INFO(std::string(row.what));
    const Tree tree{{"net/folder.cmake", net},
                    {"net/loop.cpp", ""},
                    {"net/tls.cpp", ""},
                    {"http/folder.cmake", std::string("holdfast_library(http SOURCES x\n ") + row.http_links + ")\n"},
                    {"http/x.cpp", std::string("#include \"") + row.include + "\"\n"}};
    const auto offences = link_offences(tree);
    for (const auto& offence : offences) CAPTURE(offence);
    CHECK(offences.size() == row.offences);
  }
}

TEST_CASE("tests that start threads are seen by TSan") {
  const std::string list = "if(X STREQUAL \"thread\")\n  set(tested net whole)\nelse()\n  set(tested net http whole)\n";
  const std::string starts =
      "std::"
      "thread t;\n";
  const std::string uses = "#include \"tests/support/process.h\"\n";
  const Tree quiet{{"tests/folder.cmake", list}, {"tests/http/x_test.cpp", uses}, {"tests/support/process.h", ""}};
  CHECK(thread_offences(quiet).empty());
  CHECK(thread_offences({{"tests/folder.cmake", list}, {"tests/net/x_test.cpp", starts}}).empty());
  CHECK(thread_offences({{"tests/folder.cmake", list}, {"tests/http/x_test.cpp", starts}}).size() == 1);
  Tree hidden = quiet;
  hidden["tests/support/process.cpp"] = starts;
  REQUIRE(thread_offences(hidden).size() == 1);
  CHECK(thread_offences(hidden)[0].find("tests/support/process.cpp") != std::string::npos);
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
