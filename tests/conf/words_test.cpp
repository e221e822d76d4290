#include "conf/words.h"

#include <doctest/doctest.h>

#include <string>

using namespace holdfast::conf;

TEST_CASE("endpoints") {
  struct Row {
    const char* text;
    const char* want;
  };  // want: as text() writes it, or "" for refused
  const Row rows[] = {{"10.0.0.1:80", "10.0.0.1:80"},
                      {"[::1]:80", "[::1]:80"},
                      {"[FD00::A]:1", "[fd00::a]:1"},
                      {"App.Internal:65535", "app.internal:65535"},
                      {"app_1:80", "app_1:80"},
                      {"localhost:1", "localhost:1"},
                      {"", ""},
                      {":80", ""},
                      {"*:80", ""},
                      {"80", ""},
                      {"host", ""},
                      {"host:", ""},
                      {"host:0", ""},
                      {"host:65536", ""},
                      {"host:8o", ""},
                      {"host:+80", ""},
                      {"host:-1", ""},
                      {"::1:80", ""},
                      {"::1", ""},
                      {"[::1]", ""},
                      {"[::1]80", ""},
                      {"[::1:80", ""},
                      {"[10.0.0.1]:80", ""},
                      {"[zz]:80", ""},
                      {"http://host:80", ""},
                      {"host:80/path", ""},
                      {"a..b:80", ""},
                      {".a:80", ""},
                      {"a.:80", ""},
                      {"-a:80", ""},
                      {"a-:80", ""},
                      {"300.0.0.1:80", ""},
                      {"10.0.1:80", ""},
                      {"1.2.3.4.5:80", ""},
                      {"a b:80", ""},
                      {"a\r\nb:80", ""},
                      {"h\xc3\xb6st:80", ""},
                      {" host:80", ""},
                      {"user@host:80", ""}};
  for (const Row& row : rows) {
    INFO(std::string(row.text));
    const auto got = parse_endpoint(row.text, 1);
    CHECK((got ? got->text() : "") == row.want);
  }
  CHECK(parse_endpoint("0.0.0.0:0", 0).has_value());
  CHECK(parse_endpoint(std::string(63, 'a') + ":1", 1).has_value());
  CHECK(!parse_endpoint(std::string(64, 'a') + ":1", 1).has_value());
  std::string longest;
  while (longest.size() < 252) longest += "a.";
  CHECK(parse_endpoint(longest + "a:1", 1).has_value());
  CHECK(!parse_endpoint(longest + "aa.a:1", 1).has_value());
}

TEST_CASE("address ranges") {
  const auto bits = [](std::string_view text) {
    const auto range = parse_cidr(text);
    return range ? static_cast<int>(range->prefix_bits) : -1;
  };
  CHECK(bits("10.0.0.0/8") == 104);
  CHECK(bits("0.0.0.0/0") == 96);
  CHECK(bits("192.0.2.7") == 128);
  CHECK(bits("::1/128") == 128);
  CHECK(bits("::/0") == 0);
  CHECK(bits("fd00::/8") == 8);
  for (const char* text : {"10.0.0.1/8", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "/8", "", "10.0.0", "lan",
                           "10.0.0.0/8/8", "fd00::1/8", "10.0.0.0/ 8"}) {
    INFO(std::string(text));
    CHECK(bits(text) == -1);
  }
  const auto range = parse_cidr("10.1.0.0/16");
  REQUIRE(range.has_value());
  const std::uint8_t want[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 0, 0};
  CHECK(std::equal(std::begin(want), std::end(want), range->bytes));
  CHECK(range->text == "10.1.0.0/16");
  CHECK(bits("10.1.0.0/15") == -1);
  CHECK(bits("10.2.0.0/15") == 111);
}

TEST_CASE("hosts of routes") {
  struct Row {
    const char* text;
    const char* want;
  };
  const Row rows[] = {{"Shop.Example.com", "shop.example.com"},
                      {"*.example.com", "*.example.com"},
                      {"[::1]", "::1"},
                      {"FD00::1", "fd00::1"},
                      {"10.0.0.1", "10.0.0.1"},
                      {"xn--bcher-kva.example", "xn--bcher-kva.example"},
                      {"", ""},
                      {"*", ""},
                      {"*.", ""},
                      {"*.*.com", ""},
                      {"a.*.com", ""},
                      {"*a.com", ""},
                      {"a.com:80", ""},
                      {"[::1]:80", ""},
                      {"https://a.com", ""},
                      {"a.com/", ""},
                      {"a.com.", ""},
                      {"a,b", ""},
                      {"*.10", ""},
                      {"b\xc3\xbc"
                       "cher.example",
                       ""},
                      {"a\tb", ""}};
  for (const Row& row : rows) {
    INFO(std::string(row.text));
    const auto got = parse_host_pattern(row.text);
    CHECK((got ? *got : "") == row.want);
  }
}

TEST_CASE("loopback") {
  for (const char* host : {"127.0.0.1", "127.9.9.9", "::1", "localhost"}) CHECK(is_loopback(host));
  for (const char* host : {"0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "::2", "localhost.example.com"}) {
    CHECK(!is_loopback(host));
  }
}

TEST_CASE("nothing that is written into a head can end a line") {
  using Parse = holdfast::base::Result<std::string> (*)(std::string_view);
  for (const Parse parse : {&parse_token, &parse_field_value, &parse_path_prefix, &parse_target, &parse_redirect,
                            &parse_method, &parse_host_field, &parse_host_pattern, &parse_name}) {
    for (const char* bad : {"\r\n", "\n", "\r", "\x01", "\x7f"}) {
      for (const char* before : {"", "/", "/a", "a", "http://a/"}) {
        CHECK(!parse(std::string(before) + bad + "x"));
        CHECK(!parse(std::string(before) + bad));
      }
    }
    CHECK(!parse(std::string_view("/a\0b", 4)));
    CHECK(!parse(std::string_view("a\0b", 3)));
  }
}

TEST_CASE("texts: what is refused and what is not") {
  CHECK(parse_token("connect.sid"));
  CHECK(parse_token("__Host-XASSESSIONID"));
  for (const char* bad : {"", "a b", "a;b", "a=b", "a,b", "\"a\"", "a/b", "(a)", "[a]", "a:b", "a@b", "\xc3\xa4"})
    CHECK(!parse_token(bad));
  CHECK(parse_field_value("Basic cHJv=, x;y"));
  CHECK(parse_field_value(""));
  for (const char* bad : {" a", "a ", "\ta", "\xc3\xa4"}) CHECK(!parse_field_value(bad));
  for (const char* good : {"/", "/a", "/a/", "/a%20b", "/a..b", "/.well-known/", "/...", "/a;v=1"})
    CHECK(parse_path_prefix(good));
  for (const char* bad : {"", "a", "/a?b", "/a#b", "/a b", "/../a", "/a/..", "/a/./b", "/%", "/%2", "/%zz", "*"})
    CHECK(!parse_path_prefix(bad));
  CHECK(parse_target("/a?b=c"));
  for (const char* bad : {"", "a", "*", "/a#b", "/a b", "http://a/"}) CHECK(!parse_target(bad));
  for (const char* good :
       {"/a", "/", "https://{host}{path}{query}", "https://a.example{path}", "http://a:8080/x?y={host}", "/new{path}"})
    CHECK(parse_redirect(good));
  for (const char* bad : {"", "a", "//evil", "/{path}", "https://", "https:///a", "https://{path}", "ftp://a", "{path}",
                          "https://a/{port}", "https://a/{path", "https://a/path}", "javascript:x"}) {
    INFO(std::string(bad));
    CHECK(!parse_redirect(bad));
  }
  for (const char* bad : {"get", "CONNECT", "TRACE", "", "GET "}) CHECK(!parse_method(bad));
  CHECK(parse_method("OPTIONS"));
  for (const char* good : {"", "/", "/a/b", "/a~0~1"}) CHECK(parse_json_pointer(good));
  for (const char* bad : {"a", "/a~", "/a~2"}) CHECK(!parse_json_pointer(bad));
  CHECK(parse_name(std::string(64, 'a')));
  CHECK(!parse_name(std::string(65, 'a')));
  for (const char* bad : {"", ".", "..", "a b", "a/b", "a:b", "\xc3\xa4"}) CHECK(!parse_name(bad));
  CHECK(parse_host_field("[::1]:8080"));
  CHECK(parse_host_field("a.example"));
  for (const char* bad : {"", "a/b", "::1", "[::1", "a:b"}) CHECK(!parse_host_field(bad));
}

TEST_CASE("status ranges") {
  struct Row {
    const char* text;
    const char* want;
  };
  const Row rows[] = {{"200-299", "200-299"},
                      {"200", "200"},
                      {"200-299,401", "200-299,401"},
                      {" 200 - 299 , 401 ", "200-299,401"},
                      {"560", "560"},
                      {"", ""},
                      {",", ""},
                      {"200,", ""},
                      {"299-200", ""},
                      {"100", ""},
                      {"1000", ""},
                      {"200-", ""},
                      {"-200", ""},
                      {"2xx", ""},
                      {"200-299-300", ""},
                      {"200 299", ""},
                      {"99999999999999999999", ""}};
  for (const Row& row : rows) {
    INFO(std::string(row.text));
    const auto got = parse_status_ranges(row.text);
    CHECK((got ? status_ranges_text(*got) : "") == row.want);
  }
  std::string many = "200";
  for (int i = 1; i < 32; ++i) many += ",200";
  CHECK(parse_status_ranges(many).has_value());
  CHECK(!parse_status_ranges(many + ",200").has_value());
}
