#include "http/path.h"

#include <doctest/doctest.h>

using namespace holdfast::http;

TEST_CASE("paths and what rules see of them") {
  struct Row {
    const char* path;
    bool is_plain;
    const char* normalised;
    const char* unresolved;
  };
  const Row rows[] = {
      {"/", true, "/", "/"},
      {"/a/b.html", true, "/a/b.html", "/a/b.html"},
      {"/a/", true, "/a/", "/a/"},
      {"/a..b/c.", true, "/a..b/c.", "/a..b/c."},
      {"/.well-known/x", false, "/.well-known/x", "/.well-known/x"},
      {"/..a/...", false, "/..a/...", "/..a/..."},
      {"/%7Euser/%41%2d%5F", false, "/~user/A-_", "/~user/A-_"},
      {"/a%20b%c3%bc", false, "/a%20b%C3%BC", "/a%20b%C3%BC"},
      {"/%2541", false, "/%2541", "/%2541"},
      {"//a///b//", false, "/a/b/", "/a/b/"},
      {"/a/./b/.", false, "/a/b/", "/a/./b/."},
      {"/a/b/../c", false, "/a/c", "/a/b/../c"},
      {"/a/b/..", false, "/a/", "/a/b/.."},
      {"/a/..", false, "/", "/a/.."},
      {"/a/b/../../c", false, "/c", "/a/b/../../c"},
      {"/ws-doc/../open", false, "/open", "/ws-doc/../open"},
      {"/open/../ws-doc/x", false, "/ws-doc/x", "/open/../ws-doc/x"},
      {"/ws-doc%2Fx", false, "/ws-doc/x", "/ws-doc/x"},
      {"/ws-doc%5cx", false, "/ws-doc/x", "/ws-doc/x"},
      {"/%2fws-doc/x", false, "/ws-doc/x", "/ws-doc/x"},
      {"/a;v=1/b;jsessionid=2.n1", false, "/a/b", "/a/b"},
      {"/;x/ws-doc/", false, "/ws-doc/", "/ws-doc/"},
      {"/a%3bb", false, "/a%3Bb", "/a%3Bb"},
  };
  for (const Row& row : rows) {
    INFO(row.path);
    CHECK(path_fault(row.path) == nullptr);
    CHECK(is_plain_path(row.path) == row.is_plain);
    CHECK(normalised_path(row.path) == row.normalised);
    CHECK(unresolved_path(row.path) == row.unresolved);
    CHECK(normalised_path(normalised_path(row.path)) == row.normalised);
  }
}

TEST_CASE("paths that are refused: they read in more ways than rules can cover") {
  const char* rows[] = {"/%",          "/%4",        "/%4g",        "/%00",        "/a\\b",        "/..",
                        "/a/../..",    "/a/../../b", "/a/%2e%2e/b", "/a/%2E./b",   "/%2e/b",       "/a/.%2e",
                        "/a%2f..%2fb", "/a%2f../b",  "/a/..%2fb",   "/a/..%5cb",   "/a/..;/b",     "/a/.;x/b",
                        "/a//../b",    "/a/;x/../b", "/a/b/..//c",  "/a%2fb/../c", "/a/%2e%2e;x/b"};
  for (const char* path : rows) {
    INFO(path);
    CHECK(path_fault(path) != nullptr);
    CHECK_FALSE(is_plain_path(path));
  }
}
