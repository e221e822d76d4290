#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "conf/reader.h"
#include "tests/conf/bad_rows.h"

using namespace holdfast::conf;
using namespace holdfast::tests;

TEST_CASE("what is missing") {
  check_rows({
      {kNone, "^^", {"no [[listen]]", "no [pools.NAME]"}},
      {kNone, "^[pools.a]\nbackends = [\"a:1\"]\n", {"no [[listen]]"}},
      {kNone, "^listen = []\n[pools.a]\nbackends = [\"a:1\"]\n", {"no [[listen]]"}},
      {kNone, "^[[listen]]\naddress = \"[::]:80\"\n", {"no [pools.NAME]"}},
      {kNone, "^[[listen]]\naddress = \"[::]:80\"\n[pools]\n", {"no [pools.NAME]"}},
      {kWhole, "^[[listen]]\n", {"listen.address: missing, expected a host:port"}},
      {kListen, "^[pools.a]\n", {"pools.a.backends: missing"}},
      {kListen, "[pools.a]\nbackends = ^[]\n", {"at least one backend, found an empty list"}},
      {kListen, "^[[pools.a.backends]]\nname = \"x\"\n", {"pools.a.backends.address: missing"}},
      {kWhole, "[server]\naccess_log = ^{ format = \"text\" }\n", {"server.access_log.path: missing"}},
      {kWhole, "^[[routes]]\npath = \"/x\"\n", {"expected one of `pool`, `deny = true` and `redirect`, found none"}},
      {kWhole, "^[[routes]]\ndeny = false\n", {"found none"}},
      {kWhole, "^[pools.b]\nbackends = [\"a:1\"]\n", {"several pools, expected [[routes]]"}},
      {kWhole, "[pools.shop.sticky]\nmode = ^\"app_cookie\"\n", {"names: missing with mode = \"app_cookie\""}},
      {kWhole, "[pools.shop.sticky]\nmode = ^\"header\"\n", {"names: missing with mode = \"header\""}},
      {kWhole, "[pools.shop.sticky]\nmode = \"header\"\nnames = ^[]\n", {"expected at least one name"}},
  });
}

TEST_CASE("unknown keys, with the one that was meant") {
  check_rows({
      {kWhole, "[^servers]\n", {"unknown key \"servers\" at the top of the file; did you mean `server`?"}},
      {kWhole, "[server]\n^worker = 2\n", {"unknown key \"worker\" in [server]; did you mean `workers`?"}},
      {kWhole, "[server]\n^connect = \"2s\"\n", {"it is known in [timeouts]"}},
      {kWhole, "[server]\n^colour = \"red\"\n", {"the keys there are workers, shutdown_deadline"}},
      {kWhole, "[server]\nlog = { ^levle = \"info\" }\n", {"in [server.log]; did you mean `level`?"}},
      {kWhole, "[[listen]]\n^adress = \"a:1\"\naddress = \"a:1\"\n", {"did you mean `address`?"}},
      {kWhole, "[pools.shop.^probee]\npath = \"/\"\n", {"in [pools.shop]; did you mean `probe`?"}},
      {kWhole, "[pools.shop.probe]\n^intervall = \"1s\"\n", {"in [pools.shop.probe]; did you mean `interval`?"}},
      {kWhole, "[pools.shop.probe]\nexpect = { ^Status = \"200\" }\n", {"did you mean `status`?"}},
      {kListen, "[[pools.a.backends]]\naddress = \"a:1\"\n^wieght = 1\n", {"did you mean `weight`?"}},
      {kWhole, "[[routes]]\npool = \"shop\"\n^hosts = \"a.b\"\n", {"did you mean `host`?"}},
      {kWhole, "[[routes]]\npool = \"shop\"\n^request_body = \"1MiB\"\n", {"unknown key \"request_body\" in [routes]"}},
      {kNone,
       "^[^pool.a]\nbackends = [\"a:1\"]\n[[listen]]\naddress = \"a:1\"\n",
       {"no [pools.NAME]", "did you mean `pools`?"}},
  });
}

TEST_CASE("presets and what they bring") {
  check_rows({
      {kListen, "[pools.a]\npreset = ^\"mendx\"\nbackends = [\"a:1\"]\n", {"did you mean \"mendix\"?"}},
      {kListen, "[pools.a]\npreset = ^7\nbackends = [\"a:1\"]\n", {"expected one of \"mendix\""}},
      // Another mode than the preset's has none of its names.
      {kListen,
       "[pools.a]\npreset = \"java\"\nbackends = [\"a:1\"]\nsticky = { mode = ^\"header\" }\n",
       {"names: missing with mode = \"header\""}},
      {kListen,
       "[pools.a]\npreset = \"mendix\"\nbackends = [\"a:1\"]\nprobe = { type = \"http\", ^password = \"x\" }\n",
       {"it is only for type = \"m2ee\""}},
      {kListen,
       "[pools.a]\nmaintenance_page = ^\"\"\nbackends = [\"a:1\"]\n",
       {"maintenance_page: expected a file path"}},
  });
}

TEST_CASE("probes of an m2ee admin port") {
  check_rows({
      {kWhole, "[pools.shop.probe]\ntype = \"m2ee\"\n^method = \"GET\"\n", {"it is only for type = \"http\""}},
      {kWhole, "[pools.shop.probe]\ntype = \"m2ee\"\n^expect = { status = 200 }\n", {"it is only for type = \"http\""}},
      {kWhole, "[pools.shop.probe]\n^health_every = 3\n", {"it is only for type = \"m2ee\""}},
      {kWhole, "[pools.shop.probe]\ntype = \"tcp\"\n^path = \"/\"\n", {"it is only for type = \"http\" or \"m2ee\""}},
      {kWhole, "[pools.shop.probe]\ntype = \"m2ee\"\npassword = ^\"\"\n", {"it is empty"}},
      {kWhole, "[pools.shop.probe]\ntype = \"m2ee\"\nhealth_every = ^0\n", {"from 1"}},
      {kWhole,
       "[pools.shop.probe]\ntype = \"m2ee\"\npassword = \"x\"\npassword_file = ^\"/x\"\n",
       {"there is a `password` already"}},
      {kWhole, "[pools.shop.probe]\nexpect = { sick = ^\"300-503\" }\n", {"are among those of `status`, \"200-399\""}},
      {kWhole,
       "[pools.shop.sticky]\nmode = \"cookie\"\n^headers = [\"X\"]\n",
       {"it is only for mode = \"app_cookie\""}},
      {kWhole,
       "[pools.shop.sticky]\nmode = \"app_cookie\"\nnames = [\"a\"]\nheaders = [\"X\", ^\"x\"]\n",
       {"duplicate"}},
  });
}

TEST_CASE("max_sessions that could not hold") {
  check_rows({
      {kListen,
       "[pools.a]\nmax_sessions = ^5\nbackends = [\"a:1\"]\n[pools.a.sticky]\nmode = \"none\"\n",
       {"pools.a.max_sessions: needs sessions"}},
      {kListen,
       "[pools.a]\nbackends = [{ address = \"a:1\", max_sessions = ^5 }]\n[pools.a.sticky]\nmode = \"none\"\n",
       {"pools.a.backends.max_sessions: needs sessions"}},
      {kListen,
       "[pools.a]\nmax_sessions = ^1000000\nbackends = [\"a:1\"]\n",
       {"1000000 for all pools together has no effect, expected less than `sessions.sessions_max` (1000000)"}},
      {kListen, "[pools.a]\nmax_sessions = ^-1\nbackends = [\"a:1\"]\n", {"pools.a.max_sessions"}},
  });
}

TEST_CASE("keys of later versions are known, and refused") {
  check_rows({
      {kWhole, "[[listen]]\naddress = \"a:1\"\n^tls = { certificates = [] }\n", {"listen.tls: not yet supported"}},
      {kWhole, "[[listen]]\naddress = \"a:1\"\n^proxy_protocol = true\n", {"listen.proxy_protocol: not yet supported"}},
      {kWhole, "[admin]\naddress = ^\"0.0.0.0:8081\"\n", {"expected a loopback address"}},
      {kWhole, "[admin]\naddress = ^\"[::]:8081\"\n", {"which needs [[admin.users]]"}},
      {kWhole, "[admin]\naddress = ^\"[::]:8081\"\nusers = []\n", {"which needs [[admin.users]]"}},
      {kWhole, "^[admin.tls]\ncert = \"/a.pem\"\n", {"admin.tls.key"}},
      {kListen,
       "[pools.a]\nbackends = [{ address = \"a:1\", ^tls = true }]\n",
       {"pools.a.backends.tls: not yet supported"}},
      {kListen, "[pools.a]\nbackends = [^\"https://a:1\"]\n", {"leave out the scheme"}},
  });
}

TEST_CASE("users and tokens of the admin listener") {
  check_rows({
      {kWhole, "[admin]\nusers = ^3\n", {"write [[admin.users]]"}},
      {kWhole, "[admin]\nusers = [^3]\n", {"admin.users: expected a table, found the integer 3"}},
      {kWhole, "^[[admin.users]]\nname = \"a\"\n", {"password_hash"}},
      {kWhole,
       "[[admin.users]]\nname = \"a\"\npassword_hash = ^\"secret\"\n",
       {"expected a password hash, found \"secret\"; `holdfastctl passwd` prints one"}},
      {kWhole,
       "[[admin.users]]\nname = \"a\"\npassword_hash = \"$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA\"\nrole = "
       "^\"root\"\n",
       {"\"viewer\", \"operator\""}},
      {kWhole, "[[admin.tokens]]\nname = \"a\"\nhash = ^\"abc\"\n", {"`holdfastctl token` prints one"}},
  });
}

TEST_CASE("Redis, and what needs it") {
  const char* const kUrl = "redis.url: expected a url such as redis://10.0.0.9:6379/0; ";
  check_rows({
      {kWhole, "[sessions]\nstore = ^\"redis\"\n", {"sessions.store: \"redis\" needs a [redis] table"}},
      {kWhole, "^[cluster]\nnode = \"lb1\"\n", {"needs a [redis] table"}},
      {kWhole, "[sessions]\nstore = ^\"rediss\"\n", {"did you mean \"redis\"?"}},
      {kWhole, "^[redis]\n", {"redis.url: missing, expected a url"}},
      {kNone,
       "redis = ^1\n[[listen]]\naddress = \"a:1\"\n[pools.a]\nbackends = [\"a:1\"]\n",
       {"redis: expected a table, found the integer 1"}},
      {kWhole, "[redis]\nurl = ^1\n", {kUrl}},
      {kWhole, "[redis]\nurl = ^\"127.0.0.1:6379\"\n", {"it begins with redis:// or redis+unix://"}},
      {kWhole, "[redis]\nurl = ^\"http://h\"\n", {"it begins with redis://"}},
      {kWhole, "[redis]\nurl = ^\"rediss://h\"\n", {"TLS to Redis is not yet supported"}},
      {kWhole, "[redis]\nurl = ^\"redis://\"\n", {"the host is missing"}},
      {kWhole, "[redis]\nurl = ^\"redis://:pw@\"\n", {"the host is missing"}},
      {kWhole, "[redis]\nurl = ^\"redis://h:0\"\n", {"the port is not within 1 to 65535"}},
      {kWhole, "[redis]\nurl = ^\"redis://h:x\"\n", {"the port is not a number"}},
      {kWhole, "[redis]\nurl = ^\"redis://::1\"\n", {"brackets"}},
      {kWhole, "[redis]\nurl = ^\"redis://h/x\"\n", {"the database is not a number"}},
      {kWhole, "[redis]\nurl = ^\"redis://h/70000\"\n", {"the database is not a number from 0 to 65535"}},
      {kWhole, "[redis]\nurl = ^\"redis://h?db=1\"\n", {"leave out the query"}},
      {kWhole, "[redis]\nurl = ^\"redis://u:p%4@h\"\n", {"the password has a `%`"}},
      {kWhole, "[redis]\nurl = ^\"redis://u%zz:p@h\"\n", {"the user has a `%`"}},
      {kWhole, "[redis]\nurl = ^\"redis://u:p q@h\"\n", {"must be encoded"}},
      {kWhole, "[redis]\nurl = ^\"redis+unix://run/redis.sock\"\n", {"the path of the socket is missing"}},
      {kWhole, "[redis]\nurl = ^\"redis+unix:///r.sock?database=1\"\n", {"only ?db=NUMBER is known"}},
      {kWhole, "[redis]\nurl = ^\"redis+unix:///r.sock?db=-1\"\n", {"the database is not a number"}},
      {kWhole, "[redis]\nurl = \"redis://h\"\n^master = \"m\"\n", {"it is only for sentinels"}},
      {kWhole, "^[redis]\nsentinels = [\"h:26379\"]\n", {"redis.master: missing, expected a name"}},
      {kWhole, "^[redis]\nsentinels = []\n", {"redis.url: missing"}},
      {kWhole, "[redis]\nsentinels = [^\"h\"]\nmaster = \"m\"\n", {"the port is missing"}},
      {kWhole, "[redis]\nurl = ^\"redis://h\"\nsentinels = [\"h:26379\"]\nmaster = \"m\"\n", {"leave out the host"}},
      {kWhole, "[redis]\nurl = \"redis://h\"\ntimeout = ^\"0s\"\n", {"from 1ms to 10s"}},
      {kWhole, "[redis]\nurl = \"redis://h\"\nprefix = ^\"\"\n", {"it is empty"}},
      {kWhole, "[redis]\nurl = \"redis://h\"\nprefix = ^\"a b\"\n", {"redis.prefix"}},
      {kWhole, "[redis]\nurl = \"redis://h\"\n^pasword = \"x\"\n", {"unknown key \"pasword\" in [redis]"}},
      {kWhole, "[redis]\nurl = \"redis://h\"\n[cluster]\nnode = ^\"\"\n", {"it is empty"}},
  });
}

TEST_CASE("an error in a url never shows its password") {
  for (const char* const url :
       {"redis://u:topsecret@h:x/0", "redis://u:topsecret%@h", "topsecret", "redis://topsecret@",
        "redis://u:topsecret@h/1/2", "redis+unix://:topsecret@run?db=x", "rediss://:topsecret@h"}) {
    for (const char* const more : {"", "sentinels = [\"a:1\"]\n"}) {
      const auto result = read_settings(std::string("[redis]\nurl = \"") + url + "\"\n" + more);
      const auto* found = std::get_if<std::vector<Diagnostic>>(&result);
      REQUIRE(found != nullptr);
      CHECK(diagnostics_text("file", *found).find("topsecret") == std::string::npos);
    }
  }
}

TEST_CASE("contradictions and duplicates") {
  check_rows({
      {kWhole, "[[listen]]\naddress = ^\"0.0.0.0:8080\"\n", {"is already in use, at line 2"}},
      {kWhole,
       "[[listen]]\naddress = \"127.0.0.1:9\"\n[admin]\naddress = ^\"127.0.0.1:9\"\n",
       {"expected two addresses"}},
      {kWhole, "[[listen]]\naddress = ^\"127.0.0.1:8081\"\n", {"expected two addresses"}},
      {kWhole, "[[listen]]\naddress = \"a:1\"\ntrusted_proxies = [\"::1\", ^\"::1\"]\n", {"duplicate"}},
      {kListen, "[pools.a]\nbackends = [\"a:1\", \"b:1\", ^\"a:1\"]\n", {"duplicate backend address a:1"}},
      {kListen,
       "[[pools.a.backends]]\nname = \"x\"\naddress = \"a:1\"\n[[pools.a.backends]]\nname = ^\"x\"\naddress = "
       "\"b:1\"\n",
       {"duplicate backend name \"x\""}},
      {kListen, "[[pools.a.backends]]\naddress = \"a:1\"\nbackup = ^true\n", {"every backend is a backup"}},
      {kListen, "[[pools.a.backends]]\naddress = \"a:1\"\nweight = ^0\n", {"every weight is 0"}},
      {kWhole,
       "[pools.shop.sticky]\nmode = \"none\"\n^names = [\"a\"]\n",
       {"it is only for mode = \"app_cookie\" or \"header\""}},
      {kWhole, "[pools.shop.sticky]\n^names = [\"a\"]\n", {"it is only for mode"}},
      {kWhole, "[pools.shop.sticky]\nmode = \"none\"\n^failover = \"refuse\"\n", {"a mode other than \"none\""}},
      {kWhole, "[pools.shop.sticky]\nmode = \"source_ip\"\n^cookie = \"x\"\n", {"it is only for mode"}},
      {kWhole, "[pools.shop.sticky]\nmode = \"app_cookie\"\nnames = [\"a\", ^\"a\"]\n", {"duplicate"}},
      {kWhole,
       "[pools.shop.sticky]\nmode = \"header\"\nnames = [\"X-Auth\", ^\"x-auth\"]\n",
       {"upper and lower case are the same"}},
      {kWhole,
       "[pools.shop.probe]\ninterval = \"1s\"\ntimeout = ^\"2s\"\n",
       {"\"2s\" is longer than `interval`, \"1s\""}},
      {kWhole, "[pools.shop.probe]\nfast_interval = ^\"3s\"\n", {"\"3s\" is longer than `interval`, \"2s\""}},
      {kWhole, "[pools.shop.probe]\ntype = \"tcp\"\n^path = \"/x\"\n", {"it is only for type = \"http\""}},
      {kWhole,
       "[pools.shop.probe]\ntype = \"tcp\"\n^expect = { status = \"200\" }\n",
       {"it is only for type = \"http\""}},
      {kWhole, "[pools.shop.probe]\ntype = \"none\"\n^interval = \"2s\"\n", {"a type other than \"none\""}},
      {kWhole, "[pools.shop.probe]\nbody = ^\"x\"\n", {"a GET has no body"}},
      {kWhole,
       "[pools.shop.probe]\nmethod = \"HEAD\"\nexpect = { body = ^\"x\" }\n",
       {"the response to HEAD has no body"}},
      {kWhole, "[pools.shop.probe]\nheaders = { X-A = \"1\", ^x-a = \"2\" }\n", {"duplicate"}},
      {kWhole, "[pools.shop.passive]\neject = \"10m\"\neject_max = ^\"1m\"\n", {"is shorter than `eject`"}},
      {kWhole, "[[routes]]\npool = ^\"shp\"\n", {"no pool is called \"shp\"; did you mean \"shop\"?"}},
      {kWhole, "[[routes]]\npool = ^\"nothing.like.it\"\n", {"no pool is called"}},
      {kWhole, "[[routes]]\npool = \"shop\"\ndeny = ^true\n", {"found `pool` and `deny`"}},
      {kWhole, "[[routes]]\nredirect = \"/x\"\npool = ^\"shop\"\n", {"found `pool` and `redirect`"}},
      {kWhole, "[[routes]]\ndeny = true\n^response_timeout = \"1s\"\n", {"it is only for a route with `pool`"}},
      {kWhole, "[[routes]]\nredirect = \"/x\"\n^sticky = false\n", {"it is only for a route with `pool`"}},
      {kWhole, "[[routes]]\npool = \"shop\"\n^redirect_status = 301\n", {"it is only for a route with `redirect`"}},
      {kWhole,
       "[[routes]]\npool = \"shop\"\nhost = \"A.b\"\n^[[routes]]\ndeny = true\nhost = \"a.b\"\n",
       {"a.b/ has a route already, at line 5"}},
      {kWhole,
       "[[routes]]\npool = \"shop\"\n^[[routes]]\npath = \"/\"\npool = \"shop\"\n",
       {"any host with path / has a route already"}},
  });
}

TEST_CASE("all errors at once, in the order of the file, and none made of another") {
  check_rows({
      {kNone,
       "[[listen]]\naddress = ^\"x\"\n^adress = 1\n[timeouts]\nconnect = ^5\n[pools.a]\n^tls = {}\nbackends = "
       "[^\"a\"]\n"
       "[pools.a.probe]\ninterval = ^\"x\"\ntimeout = \"1h\"\n[[routes]]\npool = ^\"b\"\n[[routes]]\npool = ^\"b\"\n",
       {"the port is missing", "did you mean `address`", "write a unit", "not yet supported", "the port is missing",
        "expected a duration", "no pool is called", "no pool is called"}},
      {kWhole, "[pools.shop.sticky]\nmode = ^\"app-cookie\"\nnames = [\"a\"]\n", {"did you mean \"app_cookie\"?"}},
      {kWhole, "[pools.shop.probe]\ntype = ^\"htp\"\npath = \"/x\"\n", {"did you mean \"http\"?"}},
      {kWhole, "[[routes]]\nredirect = ^\"x\"\nredirect_status = 301\n", {"it must begin with"}},
  });
}

TEST_CASE("after a syntax error nothing else is said") {
  const auto result = read_settings("nonsense = 1\n[server\nworkers = \"x\"\n");
  const auto* found = std::get_if<std::vector<Diagnostic>>(&result);
  REQUIRE(found != nullptr);
  REQUIRE(found->size() == 1);
  CHECK(found->front().line == 2);
  CHECK(diagnostics_text("a.toml", *found).starts_with("a.toml:2:"));
}

TEST_CASE("places as numbers, as an editor shows them") {
  const auto result =
      read_settings("# header\n[[listen]]\n  address   = \"no port\"\n\n[pools.a]\nbackends=[ \"a:1\",\"b\" ]\n");
  const auto* found = std::get_if<std::vector<Diagnostic>>(&result);
  REQUIRE(found != nullptr);
  CHECK(diagnostics_text("/etc/h.toml", *found) ==
        "/etc/h.toml:3:15: listen.address: expected a host:port, found \"no port\"; the port is missing\n"
        "/etc/h.toml:6:18: pools.a.backends.address: expected a host:port, found \"b\"; the port is missing\n");
}

TEST_CASE("a message shows nothing that could write to a terminal") {
  const auto result = read_settings("\"\\u001b[31m\\n\" = \"\\u0007\"\n[[listen]]\naddress = \"\\u001b\\u007f\"\n");
  const auto* found = std::get_if<std::vector<Diagnostic>>(&result);
  REQUIRE(found != nullptr);
  for (const Diagnostic& diagnostic : *found) {
    for (const char c : diagnostic.what) CHECK((c >= 0x20 && c != 0x7f));
  }
}
