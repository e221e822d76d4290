// The configuration read anew while the proxy works: what it says changes, and nothing else.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <map>

#include "tests/support/ctl.h"
#include "tests/support/facts.h"
#include "tests/support/fleet.h"
#include "tests/support/net_namespace.h"
#include "tests/whole/users.h"
#include "tests/whole/websockets.h"

using namespace holdfast::support;

namespace {

ProxyConfig config_of(std::vector<BackendConfig> backends) {
  ProxyConfig config;
  config.backends = std::move(backends);
  config.sticky = "mode = \"app_cookie\"\nnames = [\"sid\"]\n";
  return config;
}

std::vector<BackendConfig> only(const Fleet& fleet, std::initializer_list<std::string_view> names) {
  std::vector<BackendConfig> out;
  for (const std::string_view name : names) {
    for (const BackendConfig& backend : fleet.configs()) {
      if (backend.name == name) out.push_back(backend);
    }
  }
  return out;
}

std::map<std::string, std::string> learn(const Proxy& proxy, int users) {
  std::map<std::string, std::string> home;
  HttpClient client = proxy.client();
  for (int i = 0; i < users; ++i) {
    const std::string id = "user" + std::to_string(i);
    home[id] = ask(client, id);
  }
  return home;
}

nlohmann::json json_of(const Response& response) {
  auto parsed = nlohmann::json::parse(response.body, nullptr, false);
  return parsed.is_object() ? parsed : nlohmann::json::object();
}

}  // namespace

TEST_CASE(
    "HUP: a backend that stays keeps its sessions, its state and its counts; one that goes gives its users away") {
  Fleet fleet({"a", "b", "c"});
  Proxy proxy(config_of(only(fleet, {"a", "b"})));
  const auto home = learn(proxy, 20);
  const auto before = proxy.backend("a");

  proxy.reconfigure(config_of(only(fleet, {"c", "a"})));
  proxy.process().signal(SIGHUP);
  REQUIRE(proxy.process().wait_for_line(" reloaded "));
  REQUIRE(proxy.wait_for_state("c", "UP"));
  CHECK(proxy.backend("b").empty());
  const auto after = proxy.backend("a");
  CHECK(after["since"] == before["since"]);
  CHECK(after["requests_total"] == before["requests_total"]);
  CHECK(after["connects_total"] == before["connects_total"]);

  HttpClient client = proxy.client();
  for (const auto& user : home) {
    CAPTURE(user.first);
    const std::string now = ask(client, user.first);
    CHECK(now == (user.second == "a" ? "a" : now == "c" ? "c" : "a"));
    CHECK(ask(client, user.first) == now);
  }

  proxy.reconfigure(config_of(only(fleet, {"a", "b", "c"})));
  REQUIRE(proxy.reload().is_whole(200));
  REQUIRE(proxy.wait_for_state("b", "UP"));
  CHECK(proxy.backend("b").value("requests_total", 0) > 0);  // it is the b from before
  CHECK(proxy.stop() == 0);
}

TEST_CASE("a bad file changes nothing and says what is wrong") {
  Fleet fleet({"a", "b"});
  Proxy proxy(config_of(fleet.configs()));
  const auto home = learn(proxy, 4);
  proxy.write_config("[[listen]]\naddress = \"127.0.0.1:0\"\n[pools.app]\nbackend = [\"h:1\"]\n");
  const Response refused = proxy.reload();
  CHECK(refused.is_whole(422));
  CHECK(refused.body.find("holdfast.toml:4:1: ") != std::string::npos);
  CHECK(refused.body.find("backends") != std::string::npos);
  proxy.process().signal(SIGHUP);
  REQUIRE(proxy.process().wait_for_line(" reload_failed "));
  CHECK(proxy.process().wait_for_line("did you mean"));  // the second error: a line of its own
  HttpClient client = proxy.client();
  for (const auto& user : home) CHECK(ask(client, user.first) == user.second);
  CHECK(proxy.stop() == 0);
}

TEST_CASE("a HUP while the file is being read: it is read once more, as it may have changed since") {
  Fleet fleet({"a", "b"});
  Proxy proxy(config_of(only(fleet, {"a"})));
  const auto old_text = toml_of(config_of(only(fleet, {"a"})), proxy.state_dir().string());
  const auto new_text = toml_of(config_of(only(fleet, {"a", "b"})), proxy.state_dir().string());
  // A file that is read as slowly as the test likes.
  std::filesystem::remove(proxy.config_path());
  REQUIRE(::mkfifo(proxy.config_path().c_str(), 0600) == 0);
  const auto open_when_read = [&] {
    Fd pipe;
    eventually([&] { return (pipe = Fd(::open(proxy.config_path().c_str(), O_WRONLY | O_NONBLOCK))).is_open(); });
    return pipe;
  };
  proxy.process().signal(SIGHUP);
  Fd first = open_when_read();
  REQUIRE(first.is_open());
  proxy.process().signal(SIGHUP);
  REQUIRE(eventually([&] {
    const std::string log = proxy.process().err();
    const auto at = log.find(" signal ");
    return at != std::string::npos && log.find(" signal ", at + 1) != std::string::npos;
  }));
  REQUIRE(::write(first.get(), old_text.data(), old_text.size()) == static_cast<ssize_t>(old_text.size()));
  first.close();
  REQUIRE(proxy.process().wait_for_line(" reloaded "));  // its end of the pipe is closed
  Fd second = open_when_read();
  REQUIRE(second.is_open());
  REQUIRE(::write(second.get(), new_text.data(), new_text.size()) == static_cast<ssize_t>(new_text.size()));
  second.close();
  CHECK(proxy.wait_for_state("b", "UP"));
  CHECK(proxy.stop() == 0);
}

TEST_CASE("a listener that cannot be opened stops the whole reload") {
  Fleet fleet({"a"});
  Proxy proxy(config_of(fleet.configs()));
  const Fd taken = listen_on(0);
  ProxyConfig wanted = config_of(fleet.configs());
  wanted.pool = "balance = \"hash\"\n";
  wanted.tables = "[[listen]]\naddress = \"127.0.0.1:" + std::to_string(port_of(taken)) + "\"\n";
  proxy.reconfigure(wanted);
  const Response refused = proxy.reload();
  CHECK(refused.is_whole(422));
  CHECK(refused.body.find("address already in use") != std::string::npos);
  const auto changes = json_of(proxy.reload(R"({"check":true})"))["changes"];
  CHECK(std::any_of(changes.begin(), changes.end(), [](const auto& c) { return c["key"] == "pools.app.balance"; }));
}

TEST_CASE("a listener may grow from one address to all of them on the port that it has") {
  std::string why_not;
  const auto space = NetNamespace::make(why_not);  // where "all" are none but our own
  if (!space) {
    note_not_run("a listener that grows to all addresses", "it needs root and iproute2: " + why_not);
    return;
  }
  const NetNamespace::Inside inside(*space);
  Fleet fleet({"a"});
  Fd reserved = reserve_port();
  const std::uint16_t port = port_of(reserved);
  const auto with = [&](const std::string& host) {
    ProxyConfig config = config_of(fleet.configs());
    config.tables = "[[listen]]\naddress = \"" + host + ":" + std::to_string(port) + "\"\n";
    return config;
  };
  reserved.close();
  Proxy proxy(with("127.0.0.1"));
  HttpClient client(port);
  REQUIRE(client.get("/").is_whole(200));
  for (const std::string host : {"0.0.0.0", "127.0.0.1"}) {
    CAPTURE(host);
    proxy.reconfigure(with(host));
    const Response response = proxy.reload();
    CAPTURE(response.body);
    REQUIRE(response.is_whole(200));
    for (int i = 0; i < 20; ++i) CHECK(HttpClient(port).get("/").is_whole(200));
  }
  CHECK(proxy.stop() == 0);
}

TEST_CASE("a check says what would change, for how many sessions, and what waits for a restart") {
  Fleet fleet({"a", "b"});
  Proxy proxy(config_of(fleet.configs()));
  const auto home = learn(proxy, 10);
  const auto on_b = std::count_if(home.begin(), home.end(), [](const auto& user) { return user.second == "b"; });
  ProxyConfig wanted = config_of(only(fleet, {"a"}));
  wanted.workers = 3;
  proxy.reconfigure(wanted);
  const Response response = proxy.reload(R"({"check":true})");
  REQUIRE(response.is_whole(200));
  const auto report = json_of(response);
  CHECK(report["applied"] == false);
  REQUIRE(report["removed"].size() == 1);
  CHECK(report["removed"][0]["backend"] == "app/b");
  CHECK(report["removed"][0]["sessions"] == on_b);
  const auto workers = std::find_if(report["changes"].begin(), report["changes"].end(),
                                    [](const auto& change) { return change["key"] == "server.workers"; });
  REQUIRE(workers != report["changes"].end());
  CHECK((*workers)["effect"] == "after a restart");
  CHECK(proxy.backend("b").value("state", "") == "UP");
  CHECK(proxy.reload("[1]").is_whole(400));
}

TEST_CASE("a new listener opens; an old one closes, its clients finish what they have under way") {
  Latch respond_now;
  Fleet fleet({"a"});
  fleet.on("/slow", [&](Conversation& talk) {
    talk.wait(respond_now);
    talk.respond(200, "late");
  });
  Fd first = reserve_port();
  Fd second = reserve_port();
  const std::uint16_t before = port_of(first);
  const std::uint16_t after = port_of(second);
  const auto with = [&](std::uint16_t port) {
    ProxyConfig config = config_of(fleet.configs());
    config.tables = "[[listen]]\naddress = \"127.0.0.1:" + std::to_string(port) + "\"\n";
    return config;
  };
  first.close();
  Proxy proxy(with(before));
  HttpClient idle(before);
  REQUIRE(idle.get("/").is_whole(200));
  HttpClient busy(before);
  REQUIRE(busy.connect());
  REQUIRE(busy.send("GET /slow HTTP/1.1\r\nHost: shop.test\r\n\r\n"));
  REQUIRE(eventually([&] { return proxy.backend("a").value("requests_in_flight", 0) == 1; }));
  HttpClient elsewhere = proxy.client();  // by the listener that stays
  REQUIRE(elsewhere.get("/").is_whole(200));

  second.close();
  proxy.reconfigure(with(after));
  REQUIRE(proxy.reload().is_whole(200));
  CHECK(eventually([&] { return HttpClient(after).get("/").is_whole(200); }));
  CHECK(eventually([&] { return HttpClient(before).get("/").refused; }));
  respond_now.open();
  const Response late = busy.receive();
  CHECK(late.is_whole(200));
  CHECK(late.body == "late");
  CHECK(late.field("Connection") == "close");
  CHECK(elsewhere.is_open());
  CHECK(elsewhere.get("/").is_whole(200));
  CHECK(proxy.stop() == 0);
}

TEST_CASE("reloads under load: no error, no closed tunnel, the dead stay dead, drains stay, counts never fall") {
  Fleet fleet({"a", "b", "c", "dead", "drained"});
  serve_websockets(fleet);
  fleet["dead"].refuse();
  const auto configs = [&](int round) {
    std::vector<BackendConfig> all = fleet.configs();
    if (round % 2 == 1) std::erase_if(all, [](const BackendConfig& backend) { return backend.name == "c"; });
    if (round % 3 == 1) std::reverse(all.begin(), all.end());
    return all;
  };
  const auto round_config = [&](int round) {
    ProxyConfig config = config_of(configs(round));
    config.workers = 2;
    config.pool = "slow_start = \"" + std::to_string(1 + round % 4) + "s\"\nbalance = \"" +
                  (round % 5 == 0 ? "round_robin" : "least_requests") + "\"\n";
    if (round % 4 == 2) config.probe += "rise = 3\n";
    return config;
  };
  ProxyConfig first = round_config(0);
  Proxy proxy(first, {.environment = {}, .wrapper = {}, .wait_until_up = false});
  for (const char* name : {"a", "b", "c", "drained"}) REQUIRE(proxy.wait_for_state(name, "UP"));
  REQUIRE(proxy.wait_for_state("dead", "DOWN"));
  REQUIRE(ctl(proxy, {"drain", "app/drained"}).code == 0);
  const auto since = proxy.backend("a")["since"];

  std::vector<HttpClient> tunnels = websockets(proxy.port());
  Users users(proxy);
  const int rounds = is_sanitized() && !wants_full_size() ? 30 : 100;
  std::int64_t counted = 0;
  for (int round = 1; round <= rounds; ++round) {
    proxy.reconfigure(round_config(round));
    const Response response = proxy.reload();
    CHECK_MESSAGE(response.is_whole(200), response.body);
    const auto status = proxy.status();
    const auto backends = status["pools"]["app"]["backends"];
    CHECK(backends["a"]["since"] == since);
    CHECK(backends["dead"]["state"] == "DOWN");
    CHECK(backends["drained"]["state"] == "DRAINING");
    const std::int64_t now = backends["a"]["requests_total"];
    CHECK(now >= counted);
    counted = now;
    REQUIRE(users.go_on_for(40));
  }
  for (HttpClient& tunnel : tunnels) CHECK(echoes(tunnel));
  users.stop();
  for (const std::string& error : users.errors()) FAIL_CHECK(error);
  CHECK_FALSE(users.has_met("dead"));
  CHECK_FALSE(users.has_met("drained"));
  note("reloads under load: " + std::to_string(rounds) + " with " + std::to_string(users.count()) + " requests and " +
       std::to_string(tunnels.size()) + " WebSockets");
  tunnels.clear();
  CHECK(proxy.stop() == 0);
}
