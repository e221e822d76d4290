#include <doctest/doctest.h>

#include <string>

#include "conf/reader.h"

using namespace holdfast::conf;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kGround =
    "[[listen]]\naddress = \"0.0.0.0:8080\"\n[pools.app]\nbackends = [\"a:1\", \"b:2\"]\n";

Settings good(const std::string& toml) {
  auto result = read_settings(toml);
  if (const auto* diagnostics = std::get_if<std::vector<Diagnostic>>(&result))
    FAIL(diagnostics_text("file", *diagnostics));
  return std::get<Settings>(std::move(result));
}
Settings with(std::string_view more) { return good(std::string(kGround) + std::string(more)); }

}  // namespace

TEST_CASE("the smallest file has every default") {
  Settings want;
  want.listens = {{{"0.0.0.0", 8080}, {}}};
  Pool pool;
  pool.name = "app";
  pool.backend_count = 2;
  want.pools = {pool};
  want.backends.resize(2);
  want.backends[0].name = "a:1";
  want.backends[0].address = {"a", 1};
  want.backends[1].name = "b:2";
  want.backends[1].address = {"b", 2};
  want.backends[1].id = BackendId{1};
  want.routes.resize(1);
  CHECK(good(std::string(kGround)) == want);
}

TEST_CASE("the process's tables") {
  const Settings s = with(R"(
[[listen]]
address = "[::1]:0"
trusted_proxies = ["10.0.0.0/8", "::1"]
proxy_protocol = false
[server]
workers = 3
shutdown_deadline = "0s"
upgrade_deadline = "2d"
state_dir = "state"
log = { level = "debug", format = "json" }
access_log = { path = "-", format = "text" }
[admin]
enabled = false
address = "[::1]:9"
tls = { cert = "/a.pem", key = "/a.key" }
[sessions]
store = "memory"
idle_timeout = "2h"
secret_file = "/s"
sessions_max = 10
[timeouts]
connect = "250ms"
queue = "1d"
[limits]
request_body_bytes = 0
request_head_bytes = "16KiB"
response_head_bytes = 2048
connections = 7
)");
  CHECK(s.listens[1].address == Endpoint{"::1", 0});
  CHECK(s.listens[1].trusted_proxies.size() == 2);
  CHECK(s.server == Server{3, 0s, 48h, "state", holdfast::base::LogLevel::Debug, holdfast::base::LogFormat::Json, "-",
                           holdfast::base::LogFormat::Text});
  CHECK(s.admin == Admin{false, {"::1", 9}, {}, {}, "/a.pem", "/a.key"});
  CHECK(s.sessions == Sessions{2h, "/s", 10});
  CHECK(s.timeouts.connect == 250ms);
  CHECK(s.timeouts.queue == 24h);
  CHECK(s.timeouts.response == 60s);
  CHECK(s.limits.request_body_bytes == 0);
  CHECK(s.limits.request_head_bytes == 16384);
  CHECK(s.limits.response_head_bytes == 2048);
  CHECK(s.limits.connections == 7);
}

TEST_CASE("users and tokens of the admin listener; with users others may reach it") {
  const std::string hash = "$argon2id$v=19$m=16384,t=3,p=1$c29tZXNhbHQ$c29tZWhhc2g";
  const Settings s = good(R"(
[[listen]]
address = "0.0.0.0:80"
[admin]
address = "0.0.0.0:8081"
[[admin.users]]
name = "anna"
password_hash = ")" + hash +
                          R"("
role = "operator"
[[admin.users]]
name = "vera"
password_hash = ")" + hash +
                          R"("
[[admin.tokens]]
name = "deploy"
hash = ")" + std::string(64, 'a') +
                          R"("
[pools.a]
backends = ["a:1"]
)");
  REQUIRE(s.admin.users.size() == 2);
  CHECK(s.admin.users[0] == AdminUser{"anna", hash, AdminRole::Operator});
  CHECK(s.admin.users[1].role == AdminRole::Viewer);
  REQUIRE(s.admin.tokens.size() == 1);
  CHECK(s.admin.tokens[0].name == "deploy");
  const std::string dump = dump_settings(s);
  CHECK(dump.find("name = \"anna\"") != std::string::npos);
  CHECK(dump.find("argon2id") == std::string::npos);
  CHECK(dump.find("aaaa") == std::string::npos);
}

TEST_CASE("pools and backends are numbered in the order of the file") {
  const Settings s = good(R"(
[[listen]]
address = "0.0.0.0:80"
[pools.zebra]
max_sessions = 120
backends = ["z1:1", { address = "Z2:1", name = "second", weight = 0 }]
[pools.ape.retry]
attempts = 1
[[pools.ape.backends]]
name = "a.1"
address = "10.0.0.1:80"
weight = 5
max_requests = 9
max_sessions = 7
[[pools.ape.backends]]
address = "10.0.0.2:80"
backup = true
[[routes]]
host = "Ape.example"
pool = "ape"
[[routes]]
pool = "zebra"
)");
  REQUIRE(s.pools.size() == 2);
  REQUIRE(s.backends.size() == 4);
  CHECK(s.pools[0].name == "zebra");
  CHECK(index(s.pools[1].id) == 1);
  CHECK(index(s.pools[1].first_backend) == 2);
  CHECK(s.pools[1].backend_count == 2);
  CHECK(s.pools[1].retry.attempts == 1);
  CHECK(s.pools[0].max_sessions == 120);
  CHECK(s.pools[1].max_sessions == 0);
  CHECK(s.backends[2].max_sessions == 7);
  CHECK(s.backends[1] == Backend{BackendId{1}, PoolId{0}, "second", {"z2", 1}, 0, 0, false});
  CHECK(s.backends[2] == Backend{BackendId{2}, PoolId{1}, "a.1", {"10.0.0.1", 80}, 5, 9, 7});
  CHECK(s.backends[3] == Backend{BackendId{3}, PoolId{1}, "10.0.0.2:80", {"10.0.0.2", 80}, 1, 0, 0, 0, true});
  REQUIRE(s.routes.size() == 2);
  CHECK(s.routes[0].host == "ape.example");
  CHECK(s.pool(s.routes[0].pool).name == "ape");
  CHECK(s.pool(s.routes[1].pool).name == "zebra");
}

TEST_CASE("a pool's own tables") {
  const Settings s = with(R"(
balance = "hash"
slow_start = "0s"
sticky = { mode = "header", names = ["X-Auth", "Authorization"], failover = "refuse" }
[pools.app.probe]
method = "POST"
path = "/h?x=1"
host = "h.example:80"
port = 99
headers = { X-B = "2", X-A = "1" }
body = "b\n"
expect = { status = "200-204,301", body = "ok", json = { "/n" = 5, "/a/b" = "c", "/t" = true } }
interval = "5s"
fast_interval = "1s"
timeout = "5s"
rise = 1
fall = 1
jitter_percent = 0
fresh_every = 1
[pools.app.passive]
failures = 0
eject = "1s"
eject_max = "1s"
ejected_percent_max = 100
[pools.app.retry]
attempts = 8
budget_percent = 0
budget_min = 0
)");
  const Pool& pool = s.pools[0];
  CHECK(pool.balance == BalanceMethod::Hash);
  CHECK(pool.slow_start == 0s);
  CHECK(
      pool.sticky ==
      Sticky{
          StickyMode::Header, {"X-Auth", "Authorization"}, {}, "holdfast", true, SameSite::Lax, FailoverMode::Refuse});
  CHECK(pool.passive == Passive{0, 1s, 1s, 100});
  CHECK(pool.retry == Retry{8, 0, 0});
  Probe want;
  want.method = "POST";
  want.path = "/h?x=1";
  want.host = "h.example:80";
  want.port = 99;
  want.headers = {{"X-B", "2"}, {"X-A", "1"}};
  want.body = "b\n";
  want.expect_status = {{200, 204}, {301, 301}};
  want.expect_body = "ok";
  want.expect_json = {{"/n", "5"}, {"/a/b", "c"}, {"/t", "true"}};
  want.interval = 5s;
  want.fast_interval = 1s;
  want.timeout = 5s;
  want.rise = want.fall = 1;
  want.jitter_percent = 0;
  want.fresh_every = 1;
  CHECK(pool.probe == want);
}

TEST_CASE("every word of a choice") {
  const auto balance = [](const char* word) {
    return with(std::string("balance = \"") + word + "\"\n").pools[0].balance;
  };
  CHECK(balance("round_robin") == BalanceMethod::RoundRobin);
  CHECK(balance("least_requests") == BalanceMethod::LeastRequests);
  CHECK(balance("random_two") == BalanceMethod::RandomTwo);
  CHECK(balance("hash") == BalanceMethod::Hash);
  CHECK(balance("failover") == BalanceMethod::Failover);
  const auto sticky = [](const std::string& body) { return with("sticky = { " + body + " }\n").pools[0].sticky; };
  CHECK(sticky("mode = \"none\"").mode == StickyMode::None);
  CHECK(sticky("mode = \"cookie\"").mode == StickyMode::Cookie);
  CHECK(sticky("mode = \"app_cookie\", names = [\"a\"]").mode == StickyMode::AppCookie);
  CHECK(sticky("mode = \"source_ip\"").mode == StickyMode::SourceIp);
  CHECK(sticky("failover = \"move\"").failover == FailoverMode::Move);
  CHECK(sticky("failover = \"temporary\"").failover == FailoverMode::Temporary);
  CHECK(sticky("same_site = \"lax\"").same_site == SameSite::Lax);
  CHECK(sticky("same_site = \"strict\"").same_site == SameSite::Strict);
  CHECK(sticky("same_site = \"none\", cookie = \"__Host-n\"").same_site == SameSite::None);
  const auto probe = [](const char* type) {
    return with(std::string("probe = { type = \"") + type + "\" }\n").pools[0].probe.type;
  };
  CHECK(probe("none") == ProbeType::None);
  CHECK(probe("http") == ProbeType::Http);
  CHECK(probe("tcp") == ProbeType::Tcp);
  const auto level = [](const char* word) {
    return with(std::string("[server]\nlog = { level = \"") + word + "\" }\n").server.log_level;
  };
  CHECK(level("debug") == holdfast::base::LogLevel::Debug);
  CHECK(level("info") == holdfast::base::LogLevel::Info);
  CHECK(level("warn") == holdfast::base::LogLevel::Warn);
  CHECK(level("error") == holdfast::base::LogLevel::Error);
}

TEST_CASE("defaults give way to what is written") {
  const Probe probe = with("probe = { interval = \"100ms\" }\n").pools[0].probe;
  CHECK(probe.timeout == 100ms);
  CHECK(probe.fast_interval == 100ms);
  CHECK(with("passive = { eject = \"10m\" }\n").pools[0].passive.eject_max == 10min);
  CHECK(with("passive = { eject = \"1m\" }\n").pools[0].passive.eject_max == 5min);
}

TEST_CASE("routes") {
  const Settings s = with(R"(
[[routes]]
path = "/a/"
pool = "app"
deny = false
response_timeout = "15m"
request_body_bytes = "2GiB"
sticky = false
[[routes]]
host = "*.Example.com"
deny = true
[[routes]]
host = "[::1]"
redirect = "https://x.example{path}{query}"
redirect_status = 302
[[routes]]
host = "y.example"
redirect = "/there"
)");
  REQUIRE(s.routes.size() == 4);
  CHECK(s.routes[0].action == RouteAction::Forward);
  CHECK(s.routes[0].path == "/a/");
  CHECK(s.routes[0].response_timeout == 15min);
  CHECK(s.routes[0].request_body_bytes == 2ull << 30);
  CHECK(s.routes[0].sticky == false);
  CHECK(s.routes[1].action == RouteAction::Deny);
  CHECK(s.routes[1].host == "*.example.com");
  CHECK(!s.routes[1].sticky);
  CHECK(!s.routes[1].response_timeout);
  CHECK(!s.routes[1].request_body_bytes);
  CHECK(s.routes[2].action == RouteAction::Redirect);
  CHECK(s.routes[2].host == "::1");
  CHECK(s.routes[2].redirect_to == "https://x.example{path}{query}");
  CHECK(s.routes[2].redirect_status == 302);
  CHECK(s.routes[3].redirect_status == 308);
}

TEST_CASE("addresses that are not really the same") {
  CHECK(with("[[listen]]\naddress = \"[::1]:0\"\n[[listen]]\naddress = \"[::1]:0\"\n").listens.size() == 3);
  CHECK(!with("[[listen]]\naddress = \"127.0.0.1:8081\"\n[admin]\nenabled = false\n").admin.enabled);
}

TEST_CASE("one pool may be reached by its routes only") {
  CHECK(with("[[routes]]\nhost = \"a.b\"\npool = \"app\"\n").routes.size() == 1);
  CHECK(with("").routes.size() == 1);
}

TEST_CASE("where Redis is") {
  struct Row {
    const char* url;
    const char* where;  // "user|password|address or path|db"
  };
  const Row rows[] = {
      {"redis://10.0.0.9", "||10.0.0.9:6379|0"},
      {"redis://10.0.0.9/", "||10.0.0.9:6379|0"},
      {"redis://Cache.Internal:6380/3", "||cache.internal:6380|3"},
      {"redis://user:password@127.0.0.1:6379/0", "user|password|127.0.0.1:6379|0"},
      {"redis://:password@host", "|password|host:6379|0"},
      {"redis://user@host", "user||host:6379|0"},
      {"redis://a%3ab:p%40%2F%25%3f:x@[::1]/15", "a:b|p@/%?:x|[::1]:6379|15"},
      {"redis://u:p@ss@[fd00::1]:7000", "u|p@ss|[fd00::1]:7000|0"},
      {"redis+unix:///run/redis.sock", "||/run/redis.sock|0"},
      {"redis+unix:///run/a%20b.sock?db=2", "||/run/a b.sock|2"},
      {"redis+unix://u:p%3f@/run/redis.sock?db=0", "u|p?|/run/redis.sock|0"},
  };
  for (const Row& row : rows) {
    INFO(std::string(row.url));
    const Redis redis = with("[redis]\nurl = \"" + std::string(row.url) + "\"\n").redis;
    CHECK(redis.is_present);
    const std::string where = redis.socket_path.empty() ? redis.address.text() : redis.socket_path;
    CHECK(redis.user + "|" + redis.password + "|" + where + "|" + std::to_string(redis.db) == row.where);
    CHECK(redis.timeout == 100ms);
    CHECK(redis.prefix == "holdfast");
  }
}

TEST_CASE("sentinels, the cluster, the store") {
  const Settings s = with(R"(
[sessions]
store = "redis"
[redis]
url = "redis://:pw@/2"
sentinels = ["h1:26379", "[::1]:26380"]
master = "shop"
timeout = "20ms"
prefix = "lb-eu"
[cluster]
node = "lb1"
)");
  CHECK(s.sessions.store == SessionStore::Redis);
  CHECK(s.redis.sentinels == std::vector<Endpoint>{{"h1", 26379}, {"::1", 26380}});
  CHECK(s.redis.master == "shop");
  CHECK(s.redis.password == "pw");
  CHECK(s.redis.db == 2);
  CHECK(s.redis.timeout == 20ms);
  CHECK(s.redis.prefix == "lb-eu");
  CHECK(s.cluster.is_present);
  CHECK(s.cluster.node == "lb1");
  const Settings nameless = with("[redis]\nsentinels = [\"h:1\"]\nmaster = \"m\"\n[cluster]\n");
  CHECK(nameless.cluster.is_present);
  CHECK(nameless.cluster.node.empty());
  CHECK_FALSE(with("").redis.is_present);
  CHECK_FALSE(with("").cluster.is_present);
}
