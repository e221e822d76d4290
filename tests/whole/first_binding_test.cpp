// N parallel first requests of one session reach one backend.

#include <doctest/doctest.h>

#include <barrier>
#include <thread>

#include "tests/support/fleet.h"

using namespace holdfast::support;

namespace {

constexpr int kSessions = 50;
constexpr int kParallel = 4;

}  // namespace

TEST_CASE("50 sessions, 4 parallel first requests each, backends answering in 50 ms: none is split") {
  struct Row {
    std::string sticky;
    const char* field;
    const char* before;  ///< Of the session's id in that field.
  };
  for (const Row& row : {Row{"mode = \"app_cookie\"\nnames = [\"JSESSIONID\"]\n", "Cookie", "JSESSIONID="},
                         Row{"mode = \"header\"\nnames = [\"Authorization\"]\n", "Authorization", "Bearer "}}) {
    CAPTURE(row.sticky);
    Fleet fleet({"a", "b", "c"});
    fleet.on("*", [](Conversation& c) {
      c.read_body();
      c.work(50ms);
      c.respond(200, "page");
    });
    Proxy proxy({.backends = fleet.configs(), .workers = 4, .sticky = row.sticky});
    std::barrier start(kParallel);
    std::atomic<int> failed = 0;
    std::vector<std::thread> threads;
    threads.reserve(kParallel);
    for (int t = 0; t < kParallel; ++t) {
      threads.emplace_back([&] {
        for (int session = 0; session < kSessions; ++session) {
          HttpClient client = proxy.client();
          const std::string id = "s" + std::to_string(session);
          const bool connected = client.connect();
          start.arrive_and_wait();
          const bool served =
              connected && client.get("/", {{row.field, row.before + id}, {"X-Test-Id", id}}).is_whole(200);
          if (!served) ++failed;
        }
      });
    }
    for (auto& thread : threads) thread.join();
    CHECK(failed == 0);
    int used = 0;
    for (auto& backend : fleet.all()) used += backend.count() > 0 ? 1 : 0;
    CHECK(used == 3);
    for (int session = 0; session < kSessions; ++session) {
      const std::string id = "s" + std::to_string(session);
      CAPTURE(id);
      CHECK(fleet.count(id) == kParallel);
      for (auto& backend : fleet.all()) CHECK((backend.count(id) == 0 || backend.count(id) == kParallel));
    }
  }
}
