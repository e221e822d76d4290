#include "conf/reload.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "conf/reader.h"

using namespace holdfast::conf;

namespace {

Settings read(std::string_view toml) {
  auto found = read_settings(toml);
  REQUIRE(std::holds_alternative<Settings>(found));
  return std::get<Settings>(std::move(found));
}

constexpr std::string_view kListen = "[[listen]]\naddress = \"127.0.0.1:8080\"\n";

std::string file(std::string_view pools) { return std::string(kListen) + std::string(pools); }

const Backend& named(const Settings& settings, std::string_view pool, std::string_view name) {
  for (const Backend& backend : settings.backends) {
    if (backend.name == name && settings.pool(backend.pool).name == pool) return backend;
  }
  FAIL("no backend " << pool << "/" << name);
  return settings.backends.front();
}

}  // namespace

TEST_CASE("ids stay with names, whatever the order, and come back with them") {
  const Settings first =
      read(file("[pools.a]\nbackends = [{name = \"x\", address = \"h:1\"}, {name = \"y\", address = "
                "\"h:2\"}]\n[pools.b]\nbackends = [{name = \"x\", address = \"h:3\"}]\n[[routes]]\n"
                "pool = \"a\"\n[[routes]]\npath = \"/b\"\npool = \"b\"\n"));
  Numbering numbering(first);
  // b comes first now, a has lost x and got z.
  Settings second =
      read(file("[pools.b]\nbackends = [{name = \"x\", address = \"h:3\"}]\n[pools.a]\nbackends = [{name "
                "= \"z\", address = \"h:4\"}, {name = \"y\", address = \"h:2\"}]\n[[routes]]\npool = "
                "\"a\"\n[[routes]]\npath = \"/b\"\npool = \"b\"\n"));
  numbering.apply(second);
  CHECK(named(second, "a", "y").id == named(first, "a", "y").id);
  CHECK(named(second, "b", "x").id == named(first, "b", "x").id);
  CHECK(second.backend(named(first, "a", "y").id).address.port == 2);
  CHECK(second.has(named(first, "b", "x").id));
  CHECK_FALSE(second.has(named(first, "a", "x").id));
  CHECK(index(named(second, "a", "z").id) == 3);
  CHECK(second.backend_ids() == 4);
  CHECK(second.pool_ids() == 2);
  CHECK(second.pool(named(second, "a", "z").pool).name == "a");
  for (const Pool& pool : second.pools) {
    for (const Backend& backend : second.backends_of(pool)) CHECK(backend.pool == pool.id);
    CHECK(second.backends_of(pool).size() == pool.backend_count);
  }
  for (const Route& route : second.routes) {
    CHECK(second.pool(route.pool).name == (route.path == "/b" ? "b" : "a"));
  }

  Settings third = first;
  numbering.apply(third);
  CHECK(named(third, "a", "x").id == named(first, "a", "x").id);
  CHECK_FALSE(third.has(BackendId{3}));
  CHECK(third.backend_ids() == 4);
}

TEST_CASE("each change of a key is told, with its effect") {
  struct Row {
    std::string_view before;
    std::string_view after;
    KeyChange change;
  };
  using Effect = KeyChange::Effect;
  const Row rows[] = {
      {"[pools.a]\nbackends = [\"h:1\"]\n",
       "[pools.a]\nbackends = [\"h:1\"]\nbalance = \"hash\"\n",
       {"pools.a.balance", "\"least_requests\"", "\"hash\"", Effect::AtOnce}},
      {"[timeouts]\nconnect = \"1s\"\n[pools.a]\nbackends = [\"h:1\"]\n",
       "[timeouts]\nconnect = \"3s\"\n[pools.a]\nbackends = [\"h:1\"]\n",
       {"timeouts.connect", "\"1s\"", "\"3s\"", Effect::AtOnce}},
      {"[server]\nworkers = 1\n[pools.a]\nbackends = [\"h:1\"]\n",
       "[server]\nworkers = 3\n[pools.a]\nbackends = [\"h:1\"]\n",
       {"server.workers", "1", "3", Effect::AfterRestart}},
      {"[server]\nshutdown_deadline = \"1s\"\n[pools.a]\nbackends = [\"h:1\"]\n",
       "[server]\nshutdown_deadline = \"3s\"\n[pools.a]\nbackends = [\"h:1\"]\n",
       {"server.shutdown_deadline", "\"1s\"", "\"3s\"", Effect::AtOnce}},
      {"[sessions]\nstore = \"redis\"\n[redis]\nurl = \"redis://u:one@h:1/0\"\n[pools.a]\nbackends = [\"h:1\"]\n",
       "[sessions]\nstore = \"redis\"\n[redis]\nurl = \"redis://u:two@h:1/0\"\n[pools.a]\nbackends = [\"h:1\"]\n",
       {"redis.url", "[redacted]", "[redacted]", Effect::AfterRestart}},
      {"[[admin.tokens]]\nname = \"t\"\nhash = "
       "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"\n[pools.a]\nbackends = [\"h:1\"]\n",
       "[[admin.tokens]]\nname = \"t\"\nhash = "
       "\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"\n[pools.a]\nbackends = [\"h:1\"]\n",
       {"admin.users", "[redacted]", "[redacted]", Effect::AfterRestart}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.after);
    const auto found = changes(read(file(row.before)), read(file(row.after)));
    REQUIRE(found.size() == 1);
    CHECK(found[0] == row.change);
  }
  const Settings same = read(file(rows[0].before));
  CHECK(changes(same, same).empty());
}

TEST_CASE("what has come and what has gone is told by name") {
  const auto found = changes(
      read(file("[pools.a]\nbackends = [{name = \"x\", address = \"h:1\"}, {name = \"y\", address = \"h:2\"}]\n")),
      read(file("[pools.a]\nbackends = [{name = \"z\", address = \"h:3\"}, {name = \"y\", address = \"h:2\"}]\n")));
  const auto has = [&](std::string_view key, std::string_view before, std::string_view after) {
    return std::any_of(found.begin(), found.end(), [&](const KeyChange& change) {
      return change.key == key && change.before == before && change.after == after;
    });
  };
  CHECK(found.size() == 2);
  CHECK(has("pools.a.backends.x",
            "{ name = \"x\", address = \"h:1\", weight = 1, max_requests = 0, max_sessions = 0, backup = false }", ""));
  CHECK(has("pools.a.backends.z", "",
            "{ name = \"z\", address = \"h:3\", weight = 1, max_requests = 0, max_sessions = 0, backup = false }"));
}

TEST_CASE("a whole pool that comes or goes is one line, and so is its route") {
  const Settings one = read(file("[pools.a]\nbackends = [\"h:1\"]\n[[routes]]\npool = \"a\"\n"));
  const Settings two =
      read(file("[pools.a]\nbackends = [\"h:1\"]\n[pools.b]\nbackends = [\"h:2\"]\n[[routes]]\npool = "
                "\"a\"\n[[routes]]\npath = \"/b\"\npool = \"b\"\n"));
  const auto come = changes(one, two);
  REQUIRE(come.size() == 2);
  CHECK(come[0].key == "pools.b");
  CHECK(come[0].before.empty());
  CHECK(come[1].key == "routes.\"/b\"");
  const auto gone = changes(two, one);
  REQUIRE(gone.size() == 2);
  CHECK(gone[0].after.empty());
}

TEST_CASE("what is read at the start stays as it is in force") {
  const Settings running = read(file("[server]\nworkers = 1\n[pools.a]\nbackends = [\"h:1\"]\n"));
  Settings fresh =
      read(file("[server]\nworkers = 3\nshutdown_deadline = \"7s\"\nupgrade_deadline = \"8s\"\n"
                "[admin]\naddress = \"127.0.0.1:1\"\n"
                "[sessions]\nidle_timeout = \"3m\"\n[pools.a]\nbackends = [\"h:1\"]\nbalance = \"hash\"\n"));
  keep_for_restart(fresh, running);
  CHECK(fresh.server.workers == 1);
  CHECK(fresh.server.shutdown_deadline == std::chrono::seconds{7});
  CHECK(fresh.server.upgrade_deadline == std::chrono::seconds{8});
  CHECK(fresh.admin == running.admin);
  CHECK(fresh.sessions == running.sessions);
  CHECK(fresh.pools[0].balance == BalanceMethod::Hash);
}
