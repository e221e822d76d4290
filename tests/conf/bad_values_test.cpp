// Values of a wrong type, out of their range, or against their grammar.
#include <doctest/doctest.h>

#include "tests/conf/bad_rows.h"

using namespace holdfast::tests;

TEST_CASE("wrong types") {
  check_rows({
      {kWhole,
       "[server]\nworkers = ^\"2\"\n",
       {"expected an integer from 0 to 1024, found \"2\"; leave out the quotes"}},
      {kWhole, "[server]\nworkers = ^2.5\n", {"found a number with a fraction"}},
      {kWhole, "[server]\nlog = ^\"info\"\n", {"server.log: expected a table, found \"info\""}},
      {kWhole, "[server]\nstate_dir = ^1\n", {"expected a folder path, found the integer 1"}},
      {kWhole, "[admin]\nenabled = ^\"true\"\n", {"expected true or false, found \"true\"; leave out the quotes"}},
      {kWhole, "[admin]\naddress = ^8081\n", {"found the integer 8081; the host is missing"}},
      {kNone, "^[listen]\naddress = \"a:1\"\n[pools.a]\nbackends = [\"a:1\"]\n", {"found a table; write [[listen]]"}},
      {kNone, "listen = [^\"a:1\"]\n[pools.a]\nbackends = [\"a:1\"]\n", {"listen: expected a table, found \"a:1\""}},
      {kListen, "^[[pools]]\nname = \"a\"\n", {"pools: expected a table, found a list; write [pools.NAME]"}},
      {kListen, "[pools]\nbackends = ^[\"a:1\"]\n", {"write [pools.NAME] above it"}},
      {kListen, "[pools.a]\nbackends = ^\"a:1\"\n", {"expected a list of host:port, found \"a:1\""}},
      {kListen,
       "[pools.a]\nbackends = [^80]\n",
       {"pools.a.backends.address: expected a host:port, found the integer 80"}},
      {kWhole,
       "[[listen]]\naddress = \"a:1\"\ntrusted_proxies = ^\"10.0.0.0/8\"\n",
       {"expected a list of address ranges"}},
      {kWhole, "^[routes]\npool = \"shop\"\n", {"write [[routes]]"}},
      {kWhole, "[[routes]]\npool = ^1\n", {"expected a pool's name"}},
      {kWhole, "[[routes]]\ndeny = ^\"yes\"\n", {"routes.deny: expected true or false"}},
      {kWhole, "[timeouts]\nconnect = ^2\n", {"found the integer 2; write a unit, as in \"2s\""}},
      {kWhole, "[timeouts]\nconnect = ^12:00:00\n", {"found a date or time"}},
      {kWhole, "[pools.shop.probe]\nheaders = { \"X-A\" = ^1 }\n", {"expected a header value, found the integer 1"}},
      {kWhole, "[pools.shop.probe]\nheaders = ^[\"X-A: 1\"]\n", {"expected a table of texts, found a list"}},
      {kWhole, "[pools.shop.probe]\nexpect = { json = { \"/a\" = ^1.5 } }\n", {"expected a text, integer or boolean"}},
      {kWhole, "[pools.shop.probe]\nexpect = ^\"200\"\n", {"expected a table"}},
  });
}

TEST_CASE("values out of their range or grammar: the proxy itself and its listeners") {
  check_rows({
      {kWhole, "[server]\nworkers = ^-1\n", {"found the integer -1"}},
      {kWhole, "[server]\nworkers = ^1025\n", {"from 0 to 1024"}},
      {kWhole, "[server]\nstate_dir = ^\"\"\n", {"it is empty"}},
      {kWhole,
       "[server]\nlog = { level = ^\"warning\" }\n",
       {"one of \"debug\", \"info\", \"warn\", \"error\", found \"warning\""}},
      {kWhole, "[server]\nlog = { format = ^\"xml\" }\n", {"one of \"text\", \"json\""}},
      {kWhole, "[timeouts]\nconnect = ^\"2 sec\"\n", {"a whole number and one of ms, s, m, h, d"}},
      {kWhole, "[timeouts]\nconnect = ^\"2\"\n", {"write a unit, as in \"2s\""}},
      {kWhole, "[timeouts]\nconnect = ^\"0s\"\n", {"duration from 1ms to 365d"}},
      {kWhole, "[timeouts]\nconnect = ^\"366d\"\n", {"duration from 1ms to 365d"}},
      {kWhole, "[timeouts]\nconnect = ^\"99999999999d\"\n", {"expected a duration"}},
      {kWhole, "[sessions]\nidle_timeout = ^\"10ms\"\n", {"from 1s to 365d"}},
      {kWhole, "[sessions]\nsessions_max = ^0\n", {"from 1 to 100000000"}},
      {kWhole, "[limits]\nrequest_head_bytes = ^\"32KB\"\n", {"one of B, KiB, MiB, GiB"}},
      {kWhole, "[limits]\nrequest_head_bytes = ^\"65KiB\"\n", {"size from 1KiB to 64KiB"}},
      {kWhole, "[limits]\nrequest_body_bytes = ^-1\n", {"expected a size"}},
      {kWhole, "[limits]\nheaders = ^7\n", {"from 8 to 1024"}},
      {kWhole, "[limits]\nconnections = ^9223372036854775807\n", {"from 1 to 10000000"}},
      {kWhole, "[[listen]]\naddress = ^\"8080\"\n", {"expected a host:port, found \"8080\"; the port is missing"}},
      {kWhole, "[[listen]]\naddress = ^\":8080\"\n", {"the host is missing"}},
      {kWhole, "[[listen]]\naddress = ^\"*:8080\"\n", {"write 0.0.0.0 or [::]"}},
      {kWhole, "[[listen]]\naddress = ^\"0.0.0.0:80800\"\n", {"not within 0 to 65535"}},
      {kWhole,
       "[[listen]]\naddress = \"a:1\"\ntrusted_proxies = [\"10.0.0.0/8\", ^\"10.0.0.1/8\"]\n",
       {"bits beyond the prefix of 8"}},
      {kWhole, "[[listen]]\naddress = \"a:1\"\ntrusted_proxies = [^\"10.0.0.0/64\"]\n", {"not within 0 to 32"}},
  });
}

TEST_CASE("values out of their range or grammar: pools and stickiness") {
  check_rows({
      {kListen, "[pools.a]\nbackends = [\"a:1\", ^\"b:0\"]\n", {"not within 1 to 65535"}},
      {kListen, "[pools.a]\nbackends = [^\"10.0.0.256:80\"]\n", {"not an IPv4 address"}},
      {kListen, "[pools.a]\nbackends = [^\"fd00::1:80\"]\n", {"IPv6 address in brackets"}},
      {kListen, "[pools.^\"a b\"]\nbackends = [\"a:1\"]\n", {"a space is not allowed in a name"}},
      {kListen, "[pools.^\"\"]\nbackends = [\"a:1\"]\n", {"it is empty"}},
      {kListen, "[[pools.a.backends]]\nname = ^\"app/1\"\naddress = \"a:1\"\n", {"`/` is not allowed in a name"}},
      {kListen, "[[pools.a.backends]]\nweight = ^1001\naddress = \"a:1\"\n", {"from 0 to 1000"}},
      {kListen, "[pools.a]\nbalance = ^\"leastconn\"\nbackends = [\"a:1\"]\n", {"\"round_robin\", \"least_requests\""}},
      {kListen, "[pools.a]\nbalance = ^\"round-robin\"\nbackends = [\"a:1\"]\n", {"did you mean \"round_robin\"?"}},
      {kWhole, "[pools.shop.sticky]\nsame_site = ^\"Lax\"\n", {"did you mean \"lax\"?"}},
      {kWhole, "[pools.shop.sticky]\nmode = ^\"appcookie\"\nnames = [\"a\"]\n", {"did you mean \"app_cookie\"?"}},
      {kWhole, "[pools.shop.sticky]\ncookie = ^\"my cookie\"\n", {"a space is not allowed"}},
      {kWhole, "[pools.shop.sticky]\ncookie = ^\"a=b\"\n", {"`=` is not allowed"}},
      {kWhole, "[pools.shop.sticky]\ncookie = ^\"a\\r\\nSet-Cookie: x\"\n", {"control character"}},
      {kWhole, "[pools.shop.sticky]\ncookie = ^\"\"\n", {"expected a cookie name, found \"\"; it is empty"}},
      {kWhole, "[pools.shop.sticky]\nmode = \"app_cookie\"\nnames = [\"a\", ^\"b;c\"]\n", {"`;` is not allowed"}},
  });
}

TEST_CASE("values out of their range or grammar: probes, passive checks and retries") {
  check_rows({
      {kWhole, "[pools.shop.probe]\nmethod = ^\"get\"\n", {"written in capitals"}},
      {kWhole, "[pools.shop.probe]\npath = ^\"health\"\n", {"it must begin with `/`"}},
      {kWhole, "[pools.shop.probe]\npath = ^\"/a\\r\\nX: y\"\n", {"control character"}},
      {kWhole, "[pools.shop.probe]\nhost = ^\"a.example/x\"\n", {"leave out the path"}},
      {kWhole, "[pools.shop.probe]\nport = ^0\n", {"from 1 to 65535"}},
      {kWhole, "[pools.shop.probe]\nheaders = { ^\"X A\" = \"1\" }\n", {"expected a header name"}},
      {kWhole, "[pools.shop.probe]\nheaders = { X = ^\"a\\nb\" }\n", {"control character"}},
      {kWhole, "[pools.shop.probe]\nheaders = { ^Host = \"a\" }\n", {"write it as `host` of the probe"}},
      {kWhole, "[pools.shop.probe]\nexpect = { status = ^\"200-29x\" }\n", {"neither a status nor a range"}},
      {kWhole, "[pools.shop.probe]\nexpect = { status = ^\"299-200\" }\n", {"runs backwards"}},
      {kWhole, "[pools.shop.probe]\nexpect = { status = ^20 }\n", {"not within 200 to 999"}},
      {kWhole, "[pools.shop.probe]\nexpect = { json = { ^status = \"x\" } }\n", {"a JSON pointer begins with `/`"}},
      {kWhole, "[pools.shop.probe]\nrise = ^0\n", {"from 1 to 100"}},
      {kWhole, "[pools.shop.probe]\njitter_percent = ^51\n", {"from 0 to 50"}},
      {kWhole, "[pools.shop.probe]\nfresh_every = ^0\n", {"from 1 to"}},
      {kWhole, "[pools.shop.passive]\nejected_percent_max = ^101\n", {"from 1 to 100"}},
      {kWhole, "[pools.shop.retry]\nattempts = ^0\n", {"from 1 to 8"}},
      {kWhole, "[pools.shop.retry]\nattempts = ^9\n", {"from 1 to 8"}},
  });
}

TEST_CASE("values out of their range or grammar: routes") {
  check_rows({
      {kWhole, "[[routes]]\npool = \"shop\"\nhost = ^\"a.example:8080\"\n", {"leave out the port"}},
      {kWhole, "[[routes]]\npool = \"shop\"\nhost = ^\"*\"\n", {"leave the key out"}},
      {kWhole, "[[routes]]\npool = \"shop\"\nhost = ^\"*example.com\"\n", {"only stand for the first labels"}},
      {kWhole, "[[routes]]\npool = \"shop\"\npath = ^\"/a?b=c\"\n", {"query or fragment is never matched"}},
      {kWhole, "[[routes]]\npool = \"shop\"\npath = ^\"/a/../b\"\n", {"never matches"}},
      {kWhole, "[[routes]]\npool = \"shop\"\npath = ^\"a\"\n", {"it must begin with `/`"}},
      {kWhole, "[[routes]]\nredirect = ^\"https://a/{port}\"\n", {"\"{port}\" is not a placeholder"}},
      {kWhole, "[[routes]]\nredirect = ^\"https://a/\\r\\nX: y\"\n", {"control character"}},
      {kWhole, "[[routes]]\nredirect = ^\"shop.example.com\"\n", {"must begin with http://, https:// or `/`"}},
      {kWhole,
       "[[routes]]\nredirect = \"/x\"\nredirect_status = ^200\n",
       {"one of 301, 302, 303, 307, 308, found the integer 200"}},
      {kWhole, "[[routes]]\npool = \"shop\"\nresponse_timeout = ^\"0s\"\n", {"from 1ms"}},
  });
}
