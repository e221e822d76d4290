#pragma once

#include <string>

#include "tests/support/fleet.h"
#include "tests/support/redis_server.h"

namespace holdfast::support {

/// Two proxies of one cluster in front of one fleet, sticky by the cookie JSESSIONID, with one map in Redis.
struct Members {
  explicit Members(const Fleet& fleet) : one(config("lb1", fleet), options()), two(config("lb2", fleet), options()) {
    for (const Proxy* proxy : {&one, &two}) {
      REQUIRE(eventually([&] {
        const auto status = proxy->status();
        return status["cluster"]["nodes"].size() == 2 && status["redis"].value("state", "") == "ok";
      }));
    }
  }

  ProxyConfig config(const std::string& name, const Fleet& fleet) const {
    return {.backends = fleet.configs(),
            .workers = 1,
            .sessions = "store = \"redis\"\n",
            .pool = "slow_start = \"300ms\"\n",
            .sticky = "mode = \"app_cookie\"\nnames = [\"JSESSIONID\"]\n",
            .probe = "path = \"/health\"\ninterval = \"3s\"\nfast_interval = \"20ms\"\ntimeout = \"3s\"\n",
            .tables = "[redis]\nurl = \"redis://" + redis.address() + "\"\ntimeout = \"5s\"\n[cluster]\nnode = \"" +
                      name + "\"\n"};
  }
  static Proxy::Options options() {
    return {.environment = {"HOLDFAST_SECRET=the same secret on both of the proxies"}};
  }
  Proxy& proxy(int number) { return number % 2 == 0 ? one : two; }

  RedisServer redis;
  Proxy one;
  Proxy two;
};

}  // namespace holdfast::support
