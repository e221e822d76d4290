#pragma once

#include <string>

#include "tests/support/fleet.h"
#include "tests/support/redis_server.h"

namespace holdfast::support {

/// In [redis]: for tests in which Redis is well and only this machine may be busy.
inline constexpr const char* kPatient = "timeout = \"5s\"\n";

/// Two proxies in front of one fleet, with one Redis.
struct Pair {
  /// The texts are TOML lines, of [pools.app.sticky], [redis], [server] and [pools.app].
  explicit Pair(Fleet& fleet, const std::string& sticky = "mode = \"app_cookie\"\nnames = [\"JSESSIONID\"]\n",
                const std::string& redis_more = {}, const std::string& server = {}, const std::string& pool = {})
      : one(config(fleet, sticky, redis_more, server, pool), options()),
        two(config(fleet, sticky, redis_more, server, pool), options()) {
    REQUIRE(is_redis("ok"));
  }

  ProxyConfig config(Fleet& fleet, const std::string& sticky, const std::string& redis_more, const std::string& server,
                     const std::string& pool = {}) const {
    return {.backends = fleet.configs(),
            .workers = 2,
            .server = server,
            .sessions = "store = \"redis\"\n",
            .pool = pool,
            .sticky = sticky,
            .tables = "[redis]\nurl = \"redis://" + redis.address() + "\"\n" + redis_more};
  }
  static Proxy::Options options() {
    return {.environment = {"HOLDFAST_SECRET=the same secret on both of the proxies"}};
  }
  bool is_redis(const std::string& state) const {
    return eventually([&] {
      return one.status()["redis"].value("state", "") == state && two.status()["redis"].value("state", "") == state;
    });
  }
  Proxy& proxy(int number) { return number % 2 == 0 ? one : two; }

  RedisServer redis;
  Proxy one;
  Proxy two;
};

/// Every path takes that long, and answers with the backend's name.
inline void work_on_all(Fleet& fleet, std::chrono::milliseconds time) {
  fleet.on("*", [time](Conversation& c) {
    c.read_body();
    c.work(time);
    c.respond(200, c.name());
  });
}

/// What is served with that app session: the backend's name, or what went wrong.
inline std::string ask(Proxy& proxy, const std::string& session, std::vector<WireField> more = {}) {
  more.push_back({"Cookie", "JSESSIONID=" + session});
  const Response response = proxy.client().get("/", more);
  return response.is_whole(200) ? response.body : "failed: " + response.text();
}

}  // namespace holdfast::support
