// A rolling restart: one backend at a time, over all proxies, and nobody notices.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <csignal>

#include "base/check.h"
#include "tests/support/ctl.h"
#include "tests/support/fleet.h"
#include "tests/whole/load.h"
#include "tests/whole/members.h"

using namespace holdfast::support;

namespace {

/// The other end of a roll's command: it tells the test which backend it is at, and ends as the test says.
class Command {
 public:
  Command() {
    for (const char* name : {"asks", "answers"}) {
      const auto path = dir_.path() / name;
      holdfast::base::check(::mkfifo(path.c_str(), 0600) == 0, "a FIFO can be made");
    }
    asks_ = Fd{::open((dir_.path() / "asks").c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC)};
    responses_ = Fd{::open((dir_.path() / "answers").c_str(), O_RDWR | O_CLOEXEC)};
  }
  /// For /bin/sh.
  std::string text() const {
    return "printf '%s %s\\n' \"$HOLDFAST_POOL/$HOLDFAST_BACKEND\" \"$HOLDFAST_ADDRESS\" >" +
           (dir_.path() / "asks").string() + "; read -r code <" + (dir_.path() / "answers").string() + "; exit $code";
  }
  /// "POOL/BACKEND ADDRESS", or empty when `roll` has ended instead.
  std::string wait(Process& roll) {
    std::string line;
    eventually(
        [&] {
          char byte = 0;
          while (::read(asks_.get(), &byte, 1) == 1) {
            if (byte == '\n') return true;
            line += byte;
          }
          return !roll.is_running();
        },
        Deadline{60s});
    return line;
  }
  void respond(int code) const {
    const std::string text = std::to_string(code) + "\n";
    holdfast::base::check(::write(responses_.get(), text.data(), text.size()) > 0, "the command is answered");
  }

 private:
  TempDir dir_;
  Fd asks_;
  Fd responses_;
};

void respond_by_name(Fleet& fleet) {
  fleet.on("*", [](Conversation& talk) {
    talk.read_body();
    talk.respond(200, talk.name());
  });
}

std::string pool_with(const std::string& slow_start) { return "slow_start = \"" + slow_start + "\"\n"; }
constexpr const char* kSticky = "mode = \"app_cookie\"\nnames = [\"JSESSIONID\"]\n";
constexpr const char* kProbe = "path = \"/health\"\ninterval = \"3s\"\nfast_interval = \"20ms\"\ntimeout = \"3s\"\n";

std::vector<std::string> roll_words(const Command& command) {
  return {"roll", "app", "--each", command.text(), "--deadline", "500ms"};
}

/// Lets the roll go over these backends, each restarted as kill -9 and a start would; answers in which order.
std::vector<std::string> serve(Command& command, Process& roll, Fleet& fleet,
                               const std::vector<const Proxy*>& proxies) {
  std::vector<std::string> order;
  for (std::string asked = command.wait(roll); !asked.empty(); asked = command.wait(roll)) {
    const std::string name = asked.substr(4, asked.find(' ') - 4);
    order.push_back(asked);
    for (const Proxy* proxy : proxies) {
      CHECK(proxy->backend(name).value("state", "") == "MAINT");
      CHECK(proxy->backend(name).value("requests_in_flight", -1) == 0);
      for (auto& other : fleet.all()) {
        if (other.name() != name) CHECK(proxy->backend(other.name()).value("state", "") == "UP");
      }
    }
    CHECK(fleet[name].in_flight() == 0);
    fleet[name].crash();
    fleet[name].restart();
    command.respond(0);
  }
  return order;
}

}  // namespace

TEST_CASE("three backends under load, each restarted: no error, one at a time, in their order") {
  Fleet fleet({"a", "b", "c"});
  respond_by_name(fleet);
  Proxy proxy({.backends = fleet.configs(), .pool = pool_with("500ms"), .sticky = kSticky, .probe = kProbe});
  Load load({.proxies = {&proxy}, .users = 60});
  REQUIRE(load.goes_on_for(100));
  Command command;
  const auto roll = start_ctl(proxy, roll_words(command));
  const auto order = serve(command, *roll, fleet, {&proxy});
  CHECK(roll->wait() == 0);
  INFO(roll->err());
  REQUIRE(order.size() == 3);
  CHECK(order[0] == "app/a 127.0.0.1:" + std::to_string(fleet["a"].port()));
  CHECK(order[2].starts_with("app/c "));
  CHECK(roll->out().find("app/b (2 of 3) at ") != std::string::npos);
  CHECK(roll->out().find("all 3 of app done") != std::string::npos);
  REQUIRE(load.goes_on_for(100));
  load.stop();
  CHECK(load.troubles() == "");
  for (const char* name : {"a", "b", "c"}) CHECK(proxy.backend(name).value("state", "") == "UP");
  CHECK(proxy.process().err().find(" backend_down ") == std::string::npos);  // a restart in maintenance is no alarm
  CHECK(proxy.stop() == 0);
}

TEST_CASE("a command that fails on the second: it stops there, says so, and leaves the third alone") {
  Fleet fleet({"a", "b", "c"});
  respond_by_name(fleet);
  Proxy proxy({.backends = fleet.configs(), .pool = pool_with("0s"), .sticky = kSticky, .probe = kProbe});
  Load load({.proxies = {&proxy}, .users = 60});
  REQUIRE(load.goes_on_for(100));
  Command command;
  const auto roll = start_ctl(proxy, roll_words(command));
  REQUIRE(command.wait(*roll).starts_with("app/a "));
  command.respond(0);
  REQUIRE(command.wait(*roll).starts_with("app/b "));
  command.respond(7);
  CHECK(command.wait(*roll).empty());
  CHECK(roll->wait() == 1);
  INFO(roll->err());
  CHECK(roll->err().find("stopped at app/b (2 of 3): the command ended with code 7; app/b stays in maintenance; not "
                         "touched: app/c; to continue: --from b") != std::string::npos);
  CHECK(proxy.backend("a").value("state", "") == "UP");
  CHECK(proxy.backend("b").value("state", "") == "MAINT");
  CHECK(proxy.backend("c").value("state", "") == "UP");

  auto again = roll_words(command);
  again.insert(again.end(), {"--from", "b"});
  const auto second = start_ctl(proxy, again);
  for (const char* name : {"app/b ", "app/c "}) {
    const bool asked = command.wait(*second).starts_with(name);
    INFO(second->err());
    REQUIRE(asked);
    command.respond(0);
  }
  CHECK(command.wait(*second).empty());
  CHECK(second->wait() == 0);
  load.stop();
  CHECK(load.troubles() == "");
}

TEST_CASE("two proxies: the roll waits for both, and a second one is refused on either") {
  Fleet fleet({"a", "b", "c"});
  respond_by_name(fleet);
  Members pair(fleet);
  Load load({.proxies = {&pair.one, &pair.two}, .users = 60});
  REQUIRE(load.goes_on_for(200));
  Command command;
  const auto roll = start_ctl(pair.one, roll_words(command));
  REQUIRE(roll->wait_for_line("app/a (1 of 3)"));
  for (const Proxy* proxy : {&pair.one, &pair.two}) {
    const Finished refused = ctl(*proxy, roll_words(command));
    CHECK(refused.code == 1);
    CHECK(refused.err.find(" has been rolling through app since ") != std::string::npos);
    CHECK(refused.err.find("one roll at a time") != std::string::npos);
  }
  const auto order = serve(command, *roll, fleet, {&pair.one, &pair.two});
  CHECK(roll->wait(Deadline{60s}) == 0);
  INFO(roll->err());
  CHECK(order.size() == 3);
  REQUIRE(load.goes_on_for(200));
  load.stop();
  CHECK(load.troubles() == "");
  // The pool is free again.
  const auto next = start_ctl(pair.two, {"roll", "app", "--each", "true", "--deadline", "60s"});
  CHECK(next->wait_for_line("app/a (1 of 3)"));
  next->signal(SIGINT);
  CHECK(next->wait() == 1);
  CHECK(next->err().find("interrupted; app/a stays drained; not touched: app/b, app/c") != std::string::npos);
}

TEST_CASE("what is not begun: another backend is out, an unknown pool, a lonely backend") {
  Fleet fleet({"a", "b"});
  respond_by_name(fleet);
  Proxy proxy({.backends = fleet.configs()});
  Command command;
  REQUIRE(ctl(proxy, {"maint", "app/b"}).code == 0);
  const Finished out = ctl(proxy, roll_words(command));
  CHECK(out.code == 1);
  CHECK(out.err.find("app/b is MAINT, and only one backend may be out at a time; app/a was not touched") !=
        std::string::npos);
  CHECK(proxy.backend("a").value("state", "") == "UP");
  CHECK(ctl(proxy, {"roll", "shop", "--each", "true"}).code == 1);
  const Finished from = ctl(proxy, {"roll", "app", "--each", "true", "--from", "x"});
  CHECK(from.code == 1);
  CHECK(from.err.find("there is no x in pool app") != std::string::npos);
  Fleet lonely({"a"});
  Proxy small({.backends = lonely.configs()});
  const Finished alone = ctl(small, {"roll", "app", "--each", "true"});
  CHECK(alone.code == 1);
  CHECK(alone.err.find("there is no other backend for its users") != std::string::npos);
}

TEST_CASE("a backend that does not come up again stops the roll") {
  Fleet fleet({"a", "b"});
  respond_by_name(fleet);
  Proxy proxy({.backends = fleet.configs(), .probe = kProbe});
  Command command;
  auto words = roll_words(command);
  words.insert(words.end(), {"--up-timeout", "1s"});
  const auto roll = start_ctl(proxy, words);
  REQUIRE(command.wait(*roll).starts_with("app/a "));
  fleet["a"].crash();
  command.respond(0);
  CHECK(roll->wait() == 1);
  INFO(roll->err());
  CHECK(roll->err().find("app/a has not passed its probes within 1s; app/a stays in maintenance; not touched: app/b") !=
        std::string::npos);
}
