// What the machine may do to the proxy: a full disk, files that cannot be written, a clock that is set, no descriptors
// left. Each is said once, and survived.

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>

#include "tests/support/ctl.h"
#include "tests/support/facts.h"
#include "tests/support/fleet.h"
#include "tests/support/tmpfs.h"

using namespace holdfast::support;

namespace {

std::size_t count_of(const std::string& text, std::string_view part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

bool serves(Proxy& proxy, int requests) {
  HttpClient client = proxy.client();
  for (int i = 0; i < requests; ++i) {
    if (!client.get("/").is_whole(200)) return false;
  }
  return true;
}

constexpr const char* kSecret = "HOLDFAST_SECRET=the same secret before and after a restart";

/// The proxy's time of day, in a test's hand.
class SetClock {
 public:
  SetClock() { set(std::chrono::seconds{0}); }
  /// Environment that ties a program to it.
  std::vector<std::string> environment() const {
    const char* sanitizer = std::getenv("ASAN_OPTIONS");
    const auto shim = std::filesystem::path(holdfast_binary()).parent_path() / "libholdfast_clock_shim.so";
    return {kSecret, "HOLDFAST_CLOCK=" + file().string(), "LD_PRELOAD=" + shim.string(),
            "ASAN_OPTIONS=verify_asan_link_order=0:" + std::string(sanitizer != nullptr ? sanitizer : "")};
  }
  /// By how much it is ahead.
  void set(std::chrono::seconds by) const {
    const std::int64_t seconds = by.count();
    std::fstream out(file(), std::ios::in | std::ios::out | std::ios::binary);
    if (!out) out.open(file(), std::ios::out | std::ios::binary);
    out.write(reinterpret_cast<const char*>(&seconds), sizeof seconds);
  }

 private:
  std::filesystem::path file() const { return dir_.path() / "clock"; }
  TempDir dir_;
};

void limit_descriptors(const Proxy& proxy, rlim_t most) {
  rlimit limit{};
  REQUIRE(::prlimit(proxy.pid(), RLIMIT_NOFILE, nullptr, &limit) == 0);
  limit.rlim_cur = most;  // the soft one: nobody may raise the hard one again
  REQUIRE(::prlimit(proxy.pid(), RLIMIT_NOFILE, &limit, nullptr) == 0);
}

}  // namespace

TEST_CASE("a full disk: lines of the access log are lost and counted, requests are not") {
  const TempDir dir;
  std::string why_not;
  const auto disk = Tmpfs::over(dir.path(), why_not);
  if (!disk) return note_not_run("a full disk", why_not);
  Fleet fleet({"a", "b"});
  const auto log = disk->path() / "access.log";
  Proxy proxy({.backends = fleet.configs(), .server = "access_log = { path = \"" + log.string() + "\" }\n"});
  REQUIRE(serves(proxy, 10));
  REQUIRE(eventually([&] { return count_of(read_text(log), "\n") == 10; }));
  disk->fill();
  CHECK(serves(proxy, 500));
  CHECK(proxy.process().wait_for_line(" access_log_failed "));
  CHECK(serves(proxy, 500));
  CHECK(eventually([&] { return proxy.status().value("access_log_dropped_total", 0) > 100; }));
  disk->make_room();
  CHECK(serves(proxy, 10));
  CHECK(proxy.process().wait_for_line(" access_log_works_again "));
  CHECK(eventually([&] { return read_text(log).ends_with("\n"); }));
  CHECK(count_of(proxy.process().err(), " access_log_failed ") == 1);
  CHECK(proxy.stop() == 0);
}

TEST_CASE("a full disk under the state directory: orders hold, are said not to be recorded, and are when it has room") {
  Fleet fleet({"a", "b"});
  Proxy proxy({.backends = fleet.configs()}, {.environment = {kSecret}});
  std::string why_not;
  const auto disk = Tmpfs::over(proxy.state_dir(), why_not);
  if (!disk) return note_not_run("a full state directory", why_not);
  disk->fill();
  const Finished drained = ctl(proxy, {"drain", "app/a"});
  CHECK(drained.code == 1);
  CHECK(drained.out.find("app/a is DRAINING; sessions: 0; NOT RECORDED, a restart forgets it: ") != std::string::npos);
  CHECK(drained.out.find("No space left on device") != std::string::npos);
  CHECK(proxy.backend("a").value("state", "") == "DRAINING");
  CHECK(ctl(proxy, {"drain", "app/b"}).code == 1);
  CHECK(ctl(proxy, {"ready", "app/b"}).code == 1);
  CHECK(count_of(proxy.process().err(), " operator_file ") == 1);
  disk->make_room();
  REQUIRE(proxy.process().wait_for_line(" operator_file_works_again "));  // by itself
  proxy.kill_hard();
  proxy.start_again(Proxy::Wait::Listening);
  CHECK(proxy.wait_for_state("a", "DRAINING"));
  CHECK(proxy.wait_for_state("b", "UP"));
}

TEST_CASE("a state directory that cannot be written: who has it goes on, who needs it does not start") {
  Fleet fleet({"a", "b"});
  Proxy proxy({.backends = fleet.configs()}, {.environment = {kSecret}});
  std::string why_not;
  const auto disk = Tmpfs::over(proxy.state_dir(), why_not);
  if (!disk) return note_not_run("a state directory that cannot be written", why_not);
  REQUIRE(disk->forbid_writing());
  const Finished refused = ctl(proxy, {"maint", "app/a"});
  CHECK(refused.code == 1);
  CHECK(refused.out.find("Read-only file system") != std::string::npos);
  CHECK(serves(proxy, 20));
  CHECK(fleet["a"].count() == 0);
  REQUIRE(disk->allow_writing());
  CHECK(proxy.process().wait_for_line(" operator_file_works_again "));

  const TempDir elsewhere;
  const auto file = elsewhere.write("holdfast.toml", toml_of({.backends = fleet.configs()}, disk->path().string()));
  REQUIRE(disk->forbid_writing());
  for (const char* how : {"-c", "-tc"}) {
    const Finished started = run_to_end({.arguments = {holdfast_binary(), how, file.string()}, .environment = {}});
    CHECK(started.code == 1);
    CHECK_MESSAGE(started.err.find(disk->path().string()) != std::string::npos, started.err);
    CHECK(started.err.find("Read-only file system") != std::string::npos);
  }
  REQUIRE(disk->allow_writing());
}

TEST_CASE("logs that nobody takes: the access log, and our own") {
  Fleet fleet({"a"});
  Proxy proxy({.backends = fleet.configs(), .server = "access_log = { path = \"/dev/full\" }\n"});
  CHECK(serves(proxy, 200));
  CHECK(proxy.process().wait_for_line(" access_log_failed "));
  CHECK(serves(proxy, 200));
  CHECK(count_of(proxy.process().err(), " access_log_failed ") == 1);
  CHECK(proxy.stop() == 0);

  const TempDir dir;
  Fd admin = reserve_port();
  const std::uint16_t port = port_of(admin);
  const auto file = dir.write("holdfast.toml", "[server]\nstate_dir = \"" + dir.path().string() +
                                                   "\"\n[[listen]]\naddress = \"127.0.0.1:0\"\n[admin]\naddress = "
                                                   "\"127.0.0.1:" +
                                                   std::to_string(port) + "\"\n[pools.app]\nbackends = [\"127.0.0.1:" +
                                                   std::to_string(fleet["a"].port()) + "\"]\n");
  admin.close();
  Process silent(
      {.arguments = {"/bin/sh", "-c", "exec \"$0\" -c \"$1\" 2>/dev/full", holdfast_binary(), file.string()}});
  const auto asks = [&](const char* path) {
    return HttpClient(port).request({.target = path, .host = "127.0.0.1"}).is_whole(200);
  };
  CHECK(eventually([&] { return asks("/readyz"); }));
  CHECK(asks("/api/v1/events"));
  silent.signal(SIGTERM);
  CHECK(silent.wait() == 0);
}

TEST_CASE("the clock is set back an hour: users stay, a deadline is not put off, it is said once") {
  const SetClock clock;
  Fleet fleet({"a", "b"});
  Proxy proxy({.backends = fleet.configs()}, {.environment = clock.environment()});
  std::vector<HttpClient> users;
  std::vector<std::string> homes;
  homes.reserve(10);
  for (int i = 0; i < 10; ++i) homes.push_back(users.emplace_back(proxy.port()).get("/").body);
  const auto all_at_home = [&] {
    for (std::size_t i = 0; i < users.size(); ++i) {
      const Response response = users[i].get("/");
      if (!response.is_whole(200) || response.body != homes[i]) return false;
    }
    return true;
  };
  REQUIRE(all_at_home());
  REQUIRE(ctl(proxy, {"drain", "app/b", "--deadline", "3s"}).code == 0);
  clock.set(-3600s);
  const auto said = proxy.process().wait_for_line(" clock_jumped ");
  REQUIRE_MESSAGE(said.has_value(), proxy.process().err());
  CHECK(said->find(" by_ms=-3") != std::string::npos);
  CHECK(proxy.wait_for_state("b", "MAINT", Deadline{10s}));
  CHECK(eventually([&] { return proxy.backend("b").value("sessions", -1) == 0; }));
  REQUIRE(ctl(proxy, {"ready", "app/b"}).code == 0);
  REQUIRE(proxy.wait_for_state("b", "UP"));
  for (std::size_t i = 0; i < users.size(); ++i) {
    const std::string now = users[i].get("/").body;
    CHECK((homes[i] == "b" || now == homes[i]));
    homes[i] = now;
  }
  CHECK(all_at_home());
  proxy.restart();  // what was given out is from the future now
  for (HttpClient& user : users) {
    HttpClient same(proxy.port());
    same.cookies() = user.cookies();
    user = std::move(same);
  }
  CHECK(all_at_home());
  CHECK(count_of(proxy.process().err(), " clock_jumped ") == 0);
  CHECK(proxy.stop() == 0);
}

TEST_CASE("few descriptors: said at the start; who finds no place is told so, the others are served") {
  if (is_sanitized()) return note_left_to_release("few descriptors", "the sanitizer needs some of its own, and dies");
  Latch latch;
  Fleet fleet({"a"});
  Proxy proxy({.backends = fleet.configs(), .workers = 1},
              {.environment = {}, .wrapper = {"prlimit", "--nofile=96:96"}, .wait_until_up = true});
  CHECK(count_of(proxy.process().err(), " descriptors_short ") == 1);
  std::vector<HttpClient> clients;
  for (int i = 0; i < 100; ++i) {
    HttpClient& client = clients.emplace_back(proxy.port());
    REQUIRE(client.connect());
    REQUIRE(client.send("GET / HTTP/1.1\r\nHost: shop.test\r\n"));  // its end comes later: nobody is idle
  }
  int served = 0;
  int refused = 0;
  for (HttpClient& client : clients) {
    if (!client.send("\r\n")) {
      ++refused;
      continue;
    }
    const Response response = client.receive();
    served += response.is_whole(200) ? 1 : 0;
    refused += response.is_whole(200) ? 0 : 1;
  }
  CHECK(served >= 20);
  CHECK(served + refused == 100);
  CHECK(proxy.backend("a").value("state", "") == "UP");
  clients.clear();
  CHECK(eventually([&] { return serves(proxy, 20); }));
  CHECK(proxy.stop() == 0);
}

TEST_CASE("no descriptor left: who is there is served, nobody is called DOWN, who waits gets in when there are some") {
  if (is_sanitized())
    return note_left_to_release("no descriptor left", "the sanitizer needs some of its own, and dies");
  Fleet fleet({"a", "b"});
  ProxyConfig config{.backends = fleet.configs(), .workers = 1};
  config.probe = "path = \"/health\"\ninterval = \"500ms\"\nfast_interval = \"20ms\"\ntimeout = \"500ms\"\n";
  Proxy proxy(config);
  HttpClient known = proxy.client();
  REQUIRE(known.get("/").is_whole(200));
  HttpClient admin(proxy.admin_port());
  const auto state_of = [&](const char* name) {
    const Response response = admin.request({.target = "/api/v1/status", .host = "127.0.0.1"});
    return nlohmann::json::parse(response.body, nullptr, false)["pools"]["app"]["backends"][name].value("state", "?");
  };
  REQUIRE(state_of("a") == "UP");
  limit_descriptors(proxy, 3);
  std::vector<HttpClient> waiting;
  for (int i = 0; i < 10; ++i) {
    HttpClient& client = waiting.emplace_back(proxy.port());
    REQUIRE(client.connect());
    REQUIRE(client.send(request_text({})));
  }
  REQUIRE(proxy.process().wait_for_line(" accept_failed "));
  CHECK(known.get("/").is_whole(200));
  // Each probe that wants a connection of its own finds none; that says nothing of the backends.
  CHECK_FALSE(eventually([&] { return state_of("a") != "UP" || state_of("b") != "UP"; }, Deadline{2s}));
  limit_descriptors(proxy, 20000);
  for (HttpClient& client : waiting) CHECK(client.receive().is_whole(200));
  INFO(proxy.process().err());  // once: of each listener, and the admin's may have met a new session, too
  CHECK(count_of(proxy.process().err(), " accept_failed address=127.0.0.1:" + std::to_string(proxy.port()) + " ") == 1);
  CHECK(proxy.stop() == 0);
}
