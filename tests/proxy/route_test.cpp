#include "proxy/route.h"

#include <doctest/doctest.h>

#include "tests/proxy/parsed.h"

using namespace holdfast;
using proxy::NoRoute;
using proxy::RouteTable;

namespace {

conf::Route route_of(std::string host, std::string path) {
  conf::Route route;
  route.host = std::move(host);
  route.path = std::move(path);
  return route;
}

conf::Route redirect_to(const char* where) {
  conf::Route route;
  route.redirect_to = where;
  return route;
}

conf::Settings settings_of(std::initializer_list<std::pair<const char*, const char*>> host_and_path) {
  conf::Settings settings;
  for (const auto& [host, path] : host_and_path) settings.routes.push_back(route_of(host, path));
  return settings;
}

// Index of the route, or 'h' for an unknown host, 'p' for a path nobody has.
int found(const RouteTable& routes, std::string_view host, std::string_view path) {
  const auto routed = routes.find(host, path);
  if (routed.route) return static_cast<int>(conf::index(*routed.route));
  return routed.why == NoRoute::UnknownHost ? 'h' : 'p';
}

}  // namespace

TEST_CASE("routes: the most specific host is settled first") {
  const RouteTable routes(settings_of({{"shop.example.com", "/"},
                                       {"*.example.com", "/"},
                                       {"*.deep.example.com", "/"},
                                       {"", "/"},
                                       {"fqdn.example.org.", "/"}}));
  struct Row {
    const char* why;
    const char* host;
    int want;
  };
  const Row rows[] = {
      {"exact", "shop.example.com", 0},
      {"in other letters", "SHOP.Example.COM", 0},
      {"with the dot of a full name", "shop.example.com.", 0},
      {"the dot may be in the configuration", "fqdn.example.org", 4},
      {"wildcard", "blog.example.com", 1},
      {"wildcard at any depth", "a.b.c.example.com", 1},
      {"the longest wildcard", "a.deep.example.com", 2},
      {"in other letters, deep", "A.B.DEEP.example.com.", 2},
      {"a wildcard is not its own name", "deep.example.com", 1},
      {"nor that of its domain", "example.com", 3},
      {"a suffix of letters is not one of labels", "evilexample.com", 3},
      {"an empty label is no host below it", ".example.com", 3},
      {"any", "192.0.2.1", 3},
      {"none named", "", 3},
      {"a lone dot", ".", 3},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    CHECK(found(routes, row.host, "/x") == row.want);
  }
  const std::string long_host = std::string(300, 'a') + ".example.com";
  CHECK(found(routes, long_host, "/") == 3);
}

TEST_CASE("routes: without a route for any host, unknown ones are unknown") {
  const RouteTable routes(settings_of({{"a.example", "/"}, {"*.b.example", "/"}}));
  for (const char* host : {"", "b.example", "c.example", "xa.example", "x.a.example"}) {
    INFO(host);
    CHECK(found(routes, host, "/") == 'h');
  }
  CHECK(found(RouteTable(conf::Settings{}), "a.example", "/") == 'h');
}

TEST_CASE("routes: the longest prefix by segments") {
  const RouteTable routes(settings_of({{"", "/a"}, {"", "/a/"}, {"", "/a/b/c"}, {"", "/ab"}, {"", "/"}, {"", "/z/"}}));
  struct Row {
    const char* path;
    int want;
  };
  for (const Row& row : {Row{"/a", 0}, Row{"/a/", 1}, Row{"/a/b", 1}, Row{"/a/b/c", 2}, Row{"/a/b/c/d", 2},
                         Row{"/a/b/cd", 1}, Row{"/ab", 3}, Row{"/ab/c", 3}, Row{"/abc", 4}, Row{"/", 4}, Row{"/A", 4},
                         Row{"/z", 4}, Row{"/z/", 5}, Row{"/zz", 4}, Row{"/a-b", 4}, Row{"/a!", 4}}) {
    INFO(row.path);
    CHECK(found(routes, "any", row.path) == row.want);
  }
}

TEST_CASE("routes: a host's paths are its own") {
  const RouteTable routes(settings_of({{"shop", "/api"}, {"*.example", "/"}, {"x.example", "/only"}, {"", "/"}}));
  CHECK(found(routes, "shop", "/api/1") == 0);
  CHECK(found(routes, "shop", "/other") == 'p');
  CHECK(found(routes, "x.example", "/other") == 'p');
  CHECK(found(routes, "y.example", "/other") == 1);
}

TEST_CASE("routes: of equal ones the first counts") {
  conf::Settings settings = settings_of({{"", "/b"}, {"", "/a"}});
  for (int i = 0; i < 60; ++i) settings.routes.push_back(route_of("", i % 2 == 0 ? "/a" : "/b"));
  const RouteTable routes(settings);
  CHECK(found(routes, "", "/a") == 1);
  CHECK(found(routes, "", "/b") == 0);
}

TEST_CASE("routes: the search agrees with trying every prefix") {
  // All prefixes over {a,b} up to three segments, every third left out.
  std::vector<std::string> all = {"/"};
  for (std::size_t i = 0; i < all.size() && all.size() < 60; ++i) {
    const std::string base = all[i] == "/" ? "" : all[i];
    for (const char* segment : {"/a", "/b", "/ab"}) all.push_back(base + segment);
  }
  conf::Settings settings;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i % 3 != 0) settings.routes.push_back(route_of("", all[i] + (i % 5 == 0 ? "/" : "")));
  }
  const RouteTable routes(settings);
  for (const std::string& path : all) {
    int want = 'p';
    std::size_t longest = 0;
    for (std::size_t i = 0; i < settings.routes.size(); ++i) {
      const std::string& prefix = settings.routes[i].path;
      const bool holds =
          path == prefix || (path.starts_with(prefix) && (prefix.back() == '/' || path[prefix.size()] == '/'));
      if (!holds || prefix.size() < longest) continue;
      longest = prefix.size();
      want = static_cast<int>(i);
    }
    INFO(path);
    CHECK(found(routes, "", path) == want);
  }
}

TEST_CASE("routes: a path that can be read in two ways is denied if one reading is") {
  conf::Settings settings = settings_of({{"", "/"}, {"", "/ws-doc/"}, {"", "/shop"}, {"", "/admin"}});
  settings.routes[1].action = settings.routes[3].action = conf::RouteAction::Deny;
  const RouteTable routes(settings);
  struct Row {
    const char* target;
    std::uint32_t want;
  };
  for (const Row& row :
       {Row{"/shop", 2}, Row{"/shop?/admin", 2}, Row{"/ws-doc/x", 1}, Row{"/%77s-doc/x", 1}, Row{"//ws-doc//x", 1},
        Row{"/ws-doc;v=1/x", 1}, Row{"/x/../ws-doc/x", 1}, Row{"/ws-doc/../shop", 1}, Row{"/admin;x=1", 3},
        Row{"/admin%2fx", 3}, Row{"/./shop", 2}, Row{"/shop;jsessionid=1", 2}, Row{"/x/../shop/1", 2}}) {
    INFO(row.target);
    const proxy::test::Request request("GET " + std::string(row.target) + " HTTP/1.1\r\nHost: a\r\n");
    const auto routed = routes.find(request.head);
    REQUIRE(routed.route);
    CHECK(conf::index(*routed.route) == row.want);
    CHECK(routed.action == settings.routes[row.want].action);
  }
  const proxy::test::Request whole_server("OPTIONS * HTTP/1.1\r\nHost: a\r\n");
  CHECK(conf::index(*routes.find(whole_server.head).route) == 0);
}

TEST_CASE("redirects: what a client sends cannot leave the place it is put in") {
  struct Row {
    const char* why;
    const char* to;
    const char* target;
    const char* want;
  };
  const Row rows[] = {
      {"whole URL", "https://{host}{path}{query}", "/a/b?x=1&y=%20", "https://shop.example/a/b?x=1&y=%20"},
      {"fixed", "https://other.example/", "/a", "https://other.example/"},
      {"no query, no question mark", "/new{path}{query}", "/a", "/new/a"},
      {"a path that would name a host", "{path}", "//evil.example/x", "/evil.example/x"},
      {"more slashes", "{path}", "///evil.example", "/evil.example"},
      {"a slash in front", "/{path}", "/evil.example", "/evil.example"},
      {"two slashes in front", "//{path}", "/evil.example", "/evil.example"},
      {"our own host without a scheme is wanted", "//{host}{path}", "/a", "//shop.example/a"},
      {"quotes and brackets", "https://{host}{path}{query}", "/<a>\"?<b>\"",
       "https://shop.example/%3Ca%3E%22?%3Cb%3E%22"},
      {"escapes stay escapes", "{path}", "/%0d%0aSet-Cookie:x", "/%0d%0aSet-Cookie:x"},
      {"an unknown word is text", "/{x}{path}", "/a", "/{x}/a"},
      {"control characters of the configuration", "/a\r\nX: y", "/b", "/aX:y"},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    const proxy::test::Request request("GET " + std::string(row.target) + " HTTP/1.1\r\nHost: shop.example:8080\r\n");
    std::string out = "before ";
    REQUIRE(proxy::append_redirect_location(out, redirect_to(row.to), request.head));
    CHECK(out == "before " + std::string(row.want));
  }
}

TEST_CASE("redirects: bytes no parser lets pass are encoded all the same") {
  http::RequestHead head;
  head.host = "a";
  head.path = "/\\evil\r\n\x80";
  std::string out;
  REQUIRE(proxy::append_redirect_location(out, redirect_to("{path}"), head));
  CHECK(out == "/%5Cevil%0D%0A%80");
}

TEST_CASE("redirects: a host is needed and must be one") {
  http::RequestHead head;
  head.path = "*";
  for (const char* host : {"", "evil@x", "a/b", "a\r\nb"}) {
    head.host = host;
    std::string out = "before";
    CHECK_FALSE(proxy::append_redirect_location(out, redirect_to("https://{host}{path}"), head));
    CHECK(out == "before");
  }
  head.host = "2001:db8::1";
  std::string out;
  REQUIRE(proxy::append_redirect_location(out, redirect_to("https://{host}{path}"), head));
  CHECK(out == "https://[2001:db8::1]/");
}
