// A backend that accepts and never answers: stopped, or its packets lost. Nobody waits for it until the read timeout.

#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <mutex>
#include <thread>

#include "tests/support/facts.h"
#include "tests/support/fleet.h"
#include "tests/support/net_namespace.h"

using namespace holdfast::support;

namespace {

// Under a sanitizer, on a busy machine, whoever is well may need long for a probe, too: then all that is claimed is
// that nobody waits until the read timeout, which is a minute.
constexpr const char* kProbe = is_sanitized()
                                   ? "path = \"/health\"\ninterval = \"3s\"\ntimeout = \"3s\"\nfall = 2\n"
                                   : "path = \"/health\"\ninterval = \"1s\"\ntimeout = \"500ms\"\nfall = 2\n";
constexpr Clock::duration kSlowestMax = is_sanitized() ? Clock::duration{40s} : Clock::duration{2500ms};

/// Users with a cookie each who go on reading and writing, each on a thread, one request after the other.
class Crowd {
 public:
  struct Request {
    bool is_safe;
    Response response;
    Clock::duration took;
  };

  Crowd(const Proxy& proxy, int users) {
    for (int i = 0; i < users; ++i) threads_.emplace_back([this, &proxy, i] { run(proxy.client(), i); });
  }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;
  ~Crowd() { stop(); }

  bool goes_on_for(std::size_t more) const {
    const std::size_t until = count_ + more;
    return eventually([&] { return count_ >= until; }, Deadline{60s});
  }
  const std::vector<Request>& stop() {
    over_.open();
    for (auto& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
    return requests_;
  }

 private:
  void run(HttpClient client, int number) {
    for (int i = number; !over_.is_open(); ++i) {
      const bool is_safe = i % 4 != 0;
      const auto began = Clock::now();
      Response response = is_safe ? client.get("/page") : client.post("/upload", "some text");
      const auto took = Clock::now() - began;
      ++count_;
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back({is_safe, std::move(response), took});
      }
      over_.wait(Deadline{10ms});
    }
  }

  Latch over_;
  std::atomic<std::size_t> count_ = 0;
  std::mutex mutex_;
  std::vector<Request> requests_;  // guarded by mutex_
  std::vector<std::thread> threads_;
};

/// Criterion: no safe request fails, and none of any kind waits for long.
void check(const std::vector<Crowd::Request>& requests, const std::string& fault) {
  Clock::duration slowest_safe{};
  Clock::duration slowest_other{};
  std::size_t failed = 0;
  for (const Crowd::Request& request : requests) {
    auto& slowest = request.is_safe ? slowest_safe : slowest_other;
    slowest = std::max(slowest, request.took);
    if (request.response.end == End::Whole && request.response.status < 500) continue;
    ++failed;
    CAPTURE(request.response.text());
    CHECK_FALSE(request.is_safe);
    CHECK(request.response.is_whole(504));
  }
  const auto ms = [](Clock::duration d) {
    return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(d).count());
  };
  note(fault + ": the slowest safe request took " + ms(slowest_safe) + " ms, the slowest POST " + ms(slowest_other) +
       " ms, " + std::to_string(failed) + " POSTs ended with 504");
  CHECK(slowest_safe <= kSlowestMax);
  CHECK(slowest_other <= kSlowestMax);
}

std::size_t times_said(Proxy& proxy, const std::string& text) {
  const std::string log = proxy.process().err();
  std::size_t count = 0;
  for (auto at = log.find(text); at != std::string::npos; at = log.find(text, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("a backend stopped by SIGSTOP: its readers are answered elsewhere, its writers told, within 2.5 s") {
  const TempDir logins;
  std::vector<std::unique_ptr<AppServer>> apps;
  ProxyConfig config;
  for (const char* name : {"app1", "app2", "app3"}) {
    apps.push_back(std::make_unique<AppServer>(name, logins.path()));
    config.backends.push_back(apps.back()->config());
  }
  config.probe = kProbe;
  Proxy proxy(config);
  Crowd crowd(proxy, 24);
  REQUIRE(crowd.goes_on_for(200));
  apps[1]->process().signal(SIGSTOP);
  CHECK(proxy.wait_for_state("app2", "DOWN"));
  CHECK(crowd.goes_on_for(200));
  CHECK(eventually([&] { return proxy.backend("app2").value("hung_total", 0) > 0; }));
  apps[1]->process().signal(SIGCONT);
  CHECK(proxy.wait_for_state("app2", "UP"));
  CHECK(crowd.goes_on_for(100));
  check(crowd.stop(), "SIGSTOP");
  CHECK(times_said(proxy, "backend_down") >= 1);
  if (!is_sanitized()) CHECK(times_said(proxy, "backend_down") == 1);
}

TEST_CASE("a backend whose packets get lost: the same") {
  std::string why_not;
  const auto space = NetNamespace::make(why_not);
  if (!space) {
    return note_not_run("a node whose packets get lost", "it needs root and iproute2: " + why_not);
  }
  Fleet fleet({"app1", "app2"});
  std::unique_ptr<TestBackend> away;
  {
    const NetNamespace::Inside inside(*space);
    away = std::make_unique<TestBackend>("app3", space->inside());
  }
  ProxyConfig config{.backends = fleet.configs(), .probe = kProbe};
  config.backends.push_back({away->name(), away->port(), {}, away->host()});
  Proxy proxy(config);
  Crowd crowd(proxy, 24);
  REQUIRE(crowd.goes_on_for(200));
  REQUIRE(space->drop_route());
  CHECK(proxy.wait_for_state("app3", "DOWN"));
  CHECK(crowd.goes_on_for(200));
  CHECK(eventually([&] { return proxy.backend("app3").value("hung_total", 0) > 0; }));
  check(crowd.stop(), "lost packets");
  REQUIRE(space->restore_route());
  CHECK(proxy.wait_for_state("app3", "UP"));
}

TEST_CASE("a backend that is slow with all it has and answers its probes is not hung") {
  Latch enough;
  Fleet fleet({"app1", "app2"});
  fleet.on("/report", [&](Conversation& c) {
    c.wait(enough);
    c.respond(200, c.name());
  });
  ProxyConfig config{.backends = fleet.configs()};
  config.probe = "path = \"/health\"\ninterval = \"1h\"\ntimeout = \"20s\"\nfall = 1\n";
  config.tables = "[pools.app.hung]\nsilence = \"100ms\"\n";
  Proxy proxy(config);
  const std::size_t before = fleet["app1"].health_checks() + fleet["app2"].health_checks();
  Response response;
  std::thread reader([&] { response = proxy.client().get("/report"); });
  // Only silence has them probed here.
  CHECK(eventually([&] { return fleet["app1"].health_checks() + fleet["app2"].health_checks() >= before + 3; }));
  for (const char* name : {"app1", "app2"}) {
    CHECK(eventually([&] { return !proxy.backend(name).value("suspect", true); }));
    CHECK(proxy.backend(name).value("state", "") == "UP");
  }
  enough.open();
  reader.join();
  CHECK(response.is_whole(200));
  CHECK(times_said(proxy, "backend_suspect") + times_said(proxy, "backend_down") == 0);
  CHECK(proxy.sum("hung_total") + proxy.sum("moved_away_total") == 0);
}
