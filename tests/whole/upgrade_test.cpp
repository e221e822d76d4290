// A new process takes over from an old one (USR2): nobody notices, or nothing has changed.

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include "tests/support/ctl.h"
#include "tests/support/facts.h"
#include "tests/support/fleet.h"
#include "tests/support/text.h"
#include "tests/whole/upgrade_chain.h"
#include "tests/whole/users.h"
#include "tests/whole/websockets.h"

using namespace holdfast::support;
using holdfast::tests::has;

namespace {

ProxyConfig config_of(const Fleet& fleet) {
  ProxyConfig config;
  config.backends = fleet.configs();
  config.sticky = "mode = \"app_cookie\"\nnames = [\"sid\"]\n";
  return config;
}

/// The program under a name of the test's own, so that it can be replaced.
class Installed {
 public:
  Installed() { put(holdfast_binary()); }
  Installed(const Installed&) = delete;
  Installed& operator=(const Installed&) = delete;
  std::filesystem::path path() const { return dir_.path() / "holdfast"; }
  void put(const std::filesystem::path& program) const {
    remove();
    std::filesystem::create_symlink(std::filesystem::absolute(program), path());
  }
  void put_text(std::string_view text) const {
    remove();
    dir_.write("holdfast", text);
    std::filesystem::permissions(path(), std::filesystem::perms::owner_all);
  }
  void remove() const { std::filesystem::remove(path()); }

 private:
  TempDir dir_;
};

}  // namespace

TEST_CASE("USR2: the new process serves with the sessions of the old one, which finishes and exits with 0") {
  Fleet fleet({"a", "b", "c"});
  Proxy proxy(config_of(fleet));
  UpgradeChain chain(proxy);
  std::map<std::string, std::string> home;
  {
    HttpClient client = proxy.client();
    for (int i = 0; i < 30; ++i) home["user" + std::to_string(i)] = ask(client, "user" + std::to_string(i));
    REQUIRE(proxy.reload().is_whole(200));
    REQUIRE(chain.upgrade());
  }
  CHECK(proxy.process().wait() == 0);
  const auto taken_over = chain.next_line(" sessions_inherited ");
  REQUIRE(taken_over);
  CHECK(has(*taken_over, "sessions=30"));
  HttpClient client = proxy.client();
  for (const auto& user : home) CHECK(ask(client, user.first) == user.second);
  // The admin listener went along.
  CHECK(proxy.status()["ready"] == true);
  std::int64_t sessions = 0;
  for (const char* name : {"a", "b", "c"}) sessions += proxy.backend(name).value("sessions", 0);
  CHECK(sessions == 30);
  CHECK(chain.stop() == 0);
}

TEST_CASE("upgrades under load: no error, no cut tunnel, no session on another backend, the dead stay dead") {
  Fleet fleet({"a", "b", "c", "dead", "drained"});
  serve_websockets(fleet);
  fleet["dead"].refuse();
  Proxy proxy(config_of(fleet), {.environment = {}, .wrapper = {}, .wait_until_up = false});
  UpgradeChain chain(proxy);
  for (const char* name : {"a", "b", "c", "drained"}) REQUIRE(proxy.wait_for_state(name, "UP"));
  REQUIRE(proxy.wait_for_state("dead", "DOWN"));
  REQUIRE(ctl(proxy, {"drain", "app/drained"}).code == 0);
  std::vector<HttpClient> tunnels = websockets(proxy.port());
  Users users(proxy);
  constexpr int kRounds = 20;
  std::size_t descriptors = 0;
  std::vector<pid_t> olds;
  for (int round = 1; round <= kRounds; ++round) {
    CAPTURE(round);
    olds.push_back(chain.current());
    REQUIRE(chain.upgrade());
    CHECK(proxy.backend("dead").value("state", "") == "DOWN");
    CHECK(proxy.backend("drained").value("state", "") == "DRAINING");
    REQUIRE(users.go_on_for(50));
    if (round == 1) descriptors = open_descriptors(chain.current());
    if (round == kRounds) CHECK(open_descriptors(chain.current()) < descriptors + 20);
  }
  for (HttpClient& tunnel : tunnels) CHECK(echoes(tunnel));
  CHECK(proxy.process().is_running());
  users.stop();
  for (const std::string& error : users.errors()) FAIL_CHECK(error);
  for (const std::string& id : users.split()) FAIL_CHECK(id << " was served by several nodes");
  CHECK_FALSE(users.has_met("dead"));
  CHECK_FALSE(users.has_met("drained"));
  CHECK(users.sessions() > 50);
  note("upgrades under load: " + std::to_string(kRounds) + " with " + std::to_string(users.count()) + " requests of " +
       std::to_string(users.sessions()) + " sessions and " + std::to_string(tunnels.size()) + " WebSockets");
  tunnels.clear();
  CHECK(proxy.process().wait() == 0);
  for (std::size_t i = 1; i < olds.size(); ++i) CHECK(chain.wait(olds[i]) == 0);
  CHECK(chain.stop() == 0);
}

TEST_CASE("a new process that probes nothing waits for no probe") {
  Fleet fleet({"a"});
  ProxyConfig config = config_of(fleet);
  config.probe = "type = \"none\"\n";
  Proxy proxy(config);
  UpgradeChain chain(proxy);
  const auto began = Clock::now();
  CHECK(chain.upgrade());
  CHECK(Clock::now() - began < 10s);  // as long as first probes would be waited for
  CHECK(proxy.process().wait() == 0);
  CHECK(chain.stop() == 0);
}

TEST_CASE("a drain goes on over an upgrade: who is left, who waits for its end, and its deadline") {
  Fleet fleet({"a", "b"});
  Proxy proxy(config_of(fleet));
  UpgradeChain chain(proxy);
  std::set<std::string> on_a;
  HttpClient client = proxy.client();
  for (int i = 0; i < 20; ++i) {
    const std::string id = "user" + std::to_string(i);
    if (ask(client, id) == "a") on_a.insert(id);
  }
  REQUIRE(!on_a.empty());
  const auto drain = start_ctl(proxy, {"drain", "app/a", "--wait", "--deadline", "1h"});
  REQUIRE(drain->wait_for_line(" left ("));
  REQUIRE(chain.upgrade());
  CHECK(proxy.backend("a").value("state", "") == "DRAINING");
  CHECK(proxy.backend("a").value("sessions", std::size_t{0}) == on_a.size());
  HttpClient fresh = proxy.client();
  for (const std::string& id : on_a) CHECK(ask(fresh, id) == "a");
  CHECK(ask(fresh, "somebody new") == "b");
  CHECK(drain->is_running());
  REQUIRE(ctl(proxy, {"drain", "app/a", "--deadline", "1s"}).code == 0);
  CHECK(drain->wait(Deadline{60s}) == 0);
  CHECK(proxy.backend("a").value("sessions", std::size_t{99}) == 0);
  for (const std::string& id : on_a) CHECK(ask(fresh, id) == "b");
  CHECK(chain.stop() == 0);
}

TEST_CASE("the old process asks the new one: a session has one backend, whichever process serves it first") {
  Fleet fleet({"a", "b", "c"});
  Proxy proxy(config_of(fleet));
  UpgradeChain chain(proxy);
  std::vector<HttpClient> kept;
  for (std::size_t i = 0; i < 12; ++i) {
    kept.push_back(proxy.client());
    REQUIRE(ask(kept.back(), "first" + std::to_string(i)).size() == 1);
  }
  REQUIRE(chain.upgrade());
  HttpClient fresh = proxy.client();
  for (std::size_t i = 0; i < 12; ++i) {
    // Half of them are known to the new process first, half to the old one.
    const std::string id = "second" + std::to_string(i);
    CAPTURE(i);
    REQUIRE(kept[i].is_open());
    const auto by_old = [&] {
      const Response response = kept[i].get("/", {{"Cookie", "sid=" + id}});
      CHECK(response.field("Connection") == "close");
      return response.body;
    };
    if (i % 2 == 0) {
      const std::string backend = by_old();
      CHECK(ask(fresh, id) == backend);
    } else {
      const std::string backend = ask(fresh, id);
      CHECK(by_old() == backend);
    }
    CHECK(ask(fresh, "first" + std::to_string(i)).size() == 1);
  }
  CHECK(proxy.process().wait() == 0);
  CHECK(chain.stop() == 0);
}

TEST_CASE("when the new process dies the old one serves on by itself") {
  Fleet fleet({"a", "b"});
  Proxy proxy(config_of(fleet));
  UpgradeChain chain(proxy);
  HttpClient kept = proxy.client();
  const std::string home = ask(kept, "anna");
  REQUIRE(chain.upgrade());
  ::kill(chain.current(), SIGKILL);
  REQUIRE(chain.next_line(" successor_lost "));
  CHECK(ask(kept, "anna") == home);
  CHECK(proxy.process().wait() == 0);
}

TEST_CASE("another number of workers, another listener, one listener less") {
  Fleet fleet({"a", "b"});
  Fd first = reserve_port();
  Fd second = reserve_port();
  const std::uint16_t before = port_of(first);
  const std::uint16_t after = port_of(second);
  const auto with = [&](std::uint16_t port, unsigned workers) {
    ProxyConfig config = config_of(fleet);
    config.workers = workers;
    config.tables = "[[listen]]\naddress = \"127.0.0.1:" + std::to_string(port) + "\"\n";
    return config;
  };
  first.close();
  Proxy proxy(with(before, 2));
  UpgradeChain chain(proxy);
  second.close();
  for (const unsigned workers : {4u, 1u, 3u}) {
    CAPTURE(workers);
    proxy.reconfigure(with(workers == 1 ? before : after, workers));
    Users users(proxy, {.threads = 2});
    REQUIRE(chain.upgrade());
    const int until = users.count() + 20;
    CHECK(eventually([&] { return users.count() >= until; }, Deadline{60s}));
    users.stop();
    for (const std::string& error : users.errors()) FAIL_CHECK(error);
    CHECK(users.split().empty());
    CHECK(proxy.status()["workers"] == workers);
    const auto serves = [](std::uint16_t port) { return HttpClient(port).get("/").is_whole(200); };
    CHECK(eventually([&] { return serves(workers == 1 ? before : after); }));
    CHECK(eventually([&] { return !serves(workers == 1 ? after : before); }));
  }
  CHECK(proxy.process().wait() == 0);
  CHECK(chain.stop() == 0);
}

TEST_CASE("what the old process has under way ends well; WebSockets have until [server] upgrade_deadline") {
  Latch latch;
  Fleet fleet({"a"});
  serve_websockets(fleet);
  fleet.on("/slow", [&](Conversation& talk) { talk.wait(latch), talk.respond(200, "late but whole"); });
  ProxyConfig config = config_of(fleet);
  config.server = "upgrade_deadline = \"2s\"\n";
  config.workers = 1;
  Proxy proxy(config);
  UpgradeChain chain(proxy);
  HttpClient other = proxy.client();
  REQUIRE(other.get("/").is_whole(200));
  HttpClient slow = proxy.client();
  REQUIRE(slow.send(request_text({.target = "/slow"})));
  HttpClient tunnel = websocket(proxy.port());
  REQUIRE(fleet["a"].wait_for_count(3));
  REQUIRE(chain.upgrade());
  // The worker may hear of it a moment after the log.
  REQUIRE(eventually([&] { return other.get("/").field("Connection") == "close"; }));
  latch.open();
  const Response response = slow.receive();
  CHECK(response.is_whole(200));
  CHECK(response.field("Connection") == "close");
  CHECK(echoes(tunnel));
  CHECK(tunnel.wait_for_end() != End::Timeout);
  CHECK(proxy.process().wait() == 0);
  CHECK(chain.stop() == 0);
}

TEST_CASE("TERM to an old process that finishes its work: it stops in order, by [server] shutdown_deadline") {
  Fleet fleet({"a"});
  serve_websockets(fleet);
  ProxyConfig config = config_of(fleet);
  config.server = "shutdown_deadline = \"100ms\"\n";
  Proxy proxy(config);
  UpgradeChain chain(proxy);
  HttpClient tunnel = websocket(proxy.port());
  REQUIRE(chain.upgrade());
  CHECK(echoes(tunnel));
  proxy.process().signal(SIGUSR2);
  CHECK(has(chain.next_line(" upgrade_failed ").value_or(""), "it is stopping"));
  proxy.process().signal(SIGTERM);
  CHECK(proxy.process().wait() == 0);
  CHECK(tunnel.wait_for_end() != End::Timeout);
  CHECK(proxy.client().get("/").is_whole(200));
  CHECK(chain.stop() == 0);
}

TEST_CASE("an upgrade that fails leaves the old process serving, and says why in one line") {
  const Installed installed;
  Fleet fleet({"a", "b", "c"});
  Proxy proxy(config_of(fleet), {.binary = installed.path()});
  UpgradeChain chain(proxy);
  Users users(proxy, {.threads = 2});
  const auto good = toml_of(config_of(fleet), proxy.state_dir().string());
  struct Row {
    const char* why;
    std::function<void()> spoil;
    const char* reason;
  };
  const Fd taken = listen_on(0);
  const Row rows[] = {
      {"an error in the file", [&] { proxy.write_config(good + "[pools.app.prob]\npath = \"/\"\n"); }, "prob"},
      {"no file", [&] { std::filesystem::remove(proxy.config_path()); }, "cannot read"},
      {"an address that is taken",
       [&] {
         proxy.write_config(good + "[[listen]]\naddress = \"127.0.0.1:" + std::to_string(port_of(taken)) + "\"\n");
       },
       "already in use"},
      {"no program", [&] { installed.remove(); }, "cannot run"},
      {"no program, but a text", [&] { installed.put_text("hello\n"); }, "cannot run"},
      {"another program", [&] { installed.put("/bin/true"); }, "ended before it could serve"},
      {"one that crashes", [&] { installed.put_text("#!/bin/sh\nkill -SEGV $$\n"); }, "ended before it could serve"}};
  for (const Row& row : rows) {
    INFO(std::string(row.why));
    row.spoil();
    chain.ask();
    const auto line = chain.next_line(" upgrade_failed ");
    REQUIRE(line);
    CHECK(has(*line, row.reason));
    CHECK(has(*line, "this process goes on"));
    CHECK(users.go_on_for(10));
    proxy.write_config(good);
    installed.put(holdfast_binary());
  }
  REQUIRE(chain.upgrade());
  users.stop();
  for (const std::string& error : users.errors()) FAIL_CHECK(error);
  CHECK(users.split().empty());
  CHECK(proxy.process().wait() == 0);
  CHECK(chain.stop() == 0);
  while (::waitpid(-1, nullptr, WNOHANG) > 0) continue;  // those that failed
}

TEST_CASE("TERM while the new process hangs: both end") {
  const Installed installed;
  Fleet fleet({"a"});
  Proxy proxy(config_of(fleet), {.binary = installed.path()});
  UpgradeChain chain(proxy);
  installed.put_text("#!/bin/sh\nexec sleep 1000\n");
  chain.ask();
  const auto started = chain.next_line(" upgrade_started ");
  REQUIRE(started);
  CHECK(proxy.client().get("/").is_whole(200));
  CHECK(proxy.reload().is_whole(503));
  CHECK(has(chain.next_line(" reload_failed ").value_or(""), "an upgrade is under way"));
  proxy.process().signal(SIGHUP);
  CHECK(has(chain.next_line(" reload_failed ").value_or(""), "an upgrade is under way"));
  chain.ask();
  CHECK(has(chain.next_line(" upgrade_failed ").value_or(""), "another upgrade is under way"));
  CHECK(proxy.stop() == 0);
  CHECK(chain.wait(UpgradeChain::pid_in(*started)) == 128 + SIGKILL);
}
