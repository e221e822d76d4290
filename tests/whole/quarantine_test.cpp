// A request that kills its backend, and a user who reloads: one backend dies of it, not all. And who kills backends by
// hand puts nobody into quarantine.

#include <doctest/doctest.h>

#include <algorithm>
#include <mutex>
#include <random>
#include <thread>

#include "tests/support/facts.h"
#include "tests/whole/pair.h"

using namespace holdfast::support;

namespace {

nlohmann::json quarantine(const Proxy& proxy) {
  const Response response =
      HttpClient(proxy.admin_port()).request({.target = "/api/v1/quarantine", .host = "127.0.0.1"});
  if (!response.is_whole(200)) return nlohmann::json::array();
  return nlohmann::json::parse(response.body)["requests"];
}

int release(const Proxy& proxy, const std::string& id) {
  return HttpClient(proxy.admin_port())
      .request({.method = "POST",
                .target = "/api/v1/quarantine/" + id + "/release",
                .fields = {{"Content-Type", "application/json"}},
                .body = "{}",
                .host = "127.0.0.1"})
      .status;
}

/// Kills each backend that has got "/boom" to do, as the app would itself.
class Reaper {
 public:
  explicit Reaper(Fleet& fleet) {
    for (TestBackend& backend : fleet.all()) {
      threads_.emplace_back([this, &backend] {
        for (std::size_t died = 0; !over_.is_open();) {
          const auto all = backend.arrivals();
          const auto booms = static_cast<std::size_t>(std::count_if(
              all.begin(), all.end(), [](const Arrival& each) { return each.target.starts_with("/boom"); }));
          if (booms > died) {
            backend.crash();
            died = booms;
            ++deaths_;
          }
          over_.wait(Deadline{1ms});
        }
      });
    }
  }
  Reaper(const Reaper&) = delete;
  Reaper& operator=(const Reaper&) = delete;
  ~Reaper() {
    over_.open();
    for (auto& thread : threads_) thread.join();
  }
  int deaths() const { return deaths_; }

 private:
  Latch over_;
  std::atomic<int> deaths_ = 0;
  std::vector<std::thread> threads_;
};

/// Users who go on reading and ordering until told to stop.
class Shoppers {
 public:
  Shoppers(const Proxy& proxy, int users) {
    for (int i = 0; i < users; ++i) threads_.emplace_back([this, &proxy, i] { run(proxy.client(), i); });
  }
  Shoppers(const Shoppers&) = delete;
  Shoppers& operator=(const Shoppers&) = delete;
  ~Shoppers() { stop(); }
  bool go_on_for(std::size_t more) const {
    const std::size_t until = count_ + more;
    return eventually([&] { return count_ >= until; }, Deadline{60s});
  }
  /// What readers complain of.
  std::vector<std::string> stop() {
    over_.open();
    for (auto& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
    return wrong_;
  }

 private:
  void run(HttpClient client, int number) {
    for (int i = 0; !over_.is_open(); ++i) {
      const bool reads = i % 3 != 0;
      const Response response =
          reads ? client.get("/page") : client.post("/orders/" + std::to_string(number * 100'000 + i), "one more");
      ++count_;
      if (response.is_whole(200) || (!reads && response.status == 502)) continue;
      const std::lock_guard lock(mutex_);
      wrong_.push_back((reads ? "GET: " : "POST: ") + response.text());
    }
  }

  Latch over_;
  std::atomic<std::size_t> count_ = 0;
  std::mutex mutex_;
  std::vector<std::string> wrong_;
  std::vector<std::thread> threads_;
};

void work(Fleet& fleet) {
  fleet.on("*", [](Conversation& c) {
    c.read_body();
    c.work(5ms);
    c.respond(200, c.name());
  });
  fleet.on("/boom", [](Conversation& c) {
    c.read_body();
    c.wait_for_peer_to_go();
  });
}

}  // namespace

TEST_CASE("a deadly request and a user who reloads: one backend dies, it is executed once, nobody else notices") {
  for (const char* method : {"POST", "GET"}) {
    CAPTURE(method);
    Fleet fleet({"app1", "app2", "app3"});
    work(fleet);
    Proxy proxy({.backends = fleet.configs()});
    Shoppers shoppers(proxy, 12);
    REQUIRE(shoppers.go_on_for(300));
    {
      const Reaper reaper(fleet);
      HttpClient user = proxy.client();
      for (int i = 0; i < 10; ++i) {
        const Response response = user.request({.method = method,
                                                .target = "/boom?now=1",
                                                .fields = {{"X-Test-Id", "poison"}},
                                                .body = std::string(method) == "POST" ? "the same again" : ""});
        CHECK(response.is_whole(503));
        CHECK(response.field("Retry-After").has_value());
      }
      CHECK(shoppers.go_on_for(100));
      CHECK(reaper.deaths() == 1);
    }
    for (const std::string& complaint : shoppers.stop()) FAIL_CHECK(complaint);
    CHECK(fleet.count("poison") == 1);
    CHECK(quarantine(proxy).size() == 1);
  }
}

TEST_CASE("what is in quarantine is listed, refused, and released") {
  Fleet fleet({"app1", "app2"});
  work(fleet);
  Proxy proxy({.backends = fleet.configs()});
  REQUIRE(proxy.client().get("/page").is_whole(200));
  {
    const Reaper reaper(fleet);
    CHECK(proxy.client().post("/boom", "x").is_whole(503));
    CHECK(reaper.deaths() == 1);
  }
  const auto listed = quarantine(proxy);
  REQUIRE(listed.size() == 1);
  CHECK(listed[0].value("path", "") == "/boom");
  CHECK(listed[0].value("method", "") == "POST");
  CHECK(listed[0].value("crashes", 0) == 1);
  const Response page = proxy.client().request(
      {.method = "POST", .target = "/boom", .fields = {{"Accept", "text/html"}}, .body = "x", .host = "shop"});
  CHECK(page.is_whole(503));
  CHECK(page.body.find("is not asked again for now") != std::string::npos);
  CHECK(page.head.first_line.find("503") != std::string::npos);
  CHECK(proxy.process().wait_for_line("request_quarantined pool=app"));
  CHECK(release(proxy, "0000000000000000") == 404);
  CHECK(release(proxy, listed[0].value("id", "")) == 200);
  CHECK(quarantine(proxy).empty());
  fleet.on("/boom", [](Conversation& c) {
    c.read_body();
    c.respond(200, "mended");
  });
  CHECK(eventually([&] { return proxy.client().post("/boom", "x").is_whole(200); }));
}

TEST_CASE(
    "two proxies: what killed a node of one is refused by both, and by one that starts later, until it is released") {
  Fleet fleet({"app1", "app2", "app3"});
  work(fleet);
  Pair pair(fleet, "", kPatient);
  REQUIRE(pair.one.client().get("/page").is_whole(200));
  {
    const Reaper reaper(fleet);
    CHECK(pair.one.client().post("/boom", "x").is_whole(503));
    CHECK(eventually([&] { return quarantine(pair.two).size() == 1; }));
    CHECK(pair.two.client().post("/boom", "x").is_whole(503));
    pair.two.kill_hard();
    pair.two.start_again(Proxy::Wait::Listening);
    CHECK(eventually([&] { return quarantine(pair.two).size() == 1; }));
    CHECK(pair.two.client().post("/boom", "x").is_whole(503));
    CHECK(reaper.deaths() == 1);
  }
  CHECK(release(pair.two, quarantine(pair.two)[0].value("id", "")) == 200);
  CHECK(eventually([&] { return quarantine(pair.one).empty(); }));
}

TEST_CASE("backends killed by hand under load, again and again: nobody innocent is quarantined") {
  const int kills = is_sanitized() ? 60 : 200;
  Fleet fleet({"app1", "app2", "app3"});
  work(fleet);
  // Whoever is killed so often would be ejected for longer and longer.
  Proxy proxy({.backends = fleet.configs(), .tables = "[pools.app.passive]\nfailures = 0\n"});
  Shoppers shoppers(proxy, 8);
  REQUIRE(shoppers.go_on_for(300));
  std::minstd_rand chance(7);
  for (int i = 0; i < kills; ++i) {
    TestBackend& victim = *std::next(fleet.all().begin(), static_cast<std::ptrdiff_t>(chance() % 3));
    victim.crash();
    CHECK(shoppers.go_on_for(5 + chance() % 20));
    victim.restart();
    const bool is_up = proxy.wait_for_state(victim.name(), "UP");
    CAPTURE(proxy.backend(victim.name()).dump());
    CHECK(is_up);
    CHECK(quarantine(proxy).empty());
  }
  for (const std::string& complaint : shoppers.stop()) FAIL_CHECK(complaint);
  CHECK(proxy.process().err().find("request_quarantined") == std::string::npos);
  note(std::to_string(kills) + " kills of nodes under load: no request quarantined, no GET failed");
}
