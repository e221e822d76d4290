// What systemd hears of us, and the unit it runs us by.

#include <doctest/doctest.h>
#include <sys/ptrace.h>

#include <csignal>
#include <filesystem>

#include "tests/support/facts.h"
#include "tests/support/fleet.h"
#include "tests/support/notify_socket.h"
#include "tests/whole/upgrade_chain.h"

using namespace holdfast::support;

namespace {

std::vector<pid_t> threads_of(pid_t pid) {
  std::vector<pid_t> out;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
    out.push_back(std::stoi(entry.path().filename().string()));
  }
  std::sort(out.begin(), out.end());
  return out;
}

/// Stops one thread of a process, as a bug would that never returns; it goes on when this ends. Of the process's
/// parent, or root.
class Hung {
 public:
  explicit Hung(pid_t thread) : thread_(thread) {
    is_stopped_ = ::ptrace(PTRACE_SEIZE, thread_, nullptr, nullptr) == 0 &&
                  ::ptrace(PTRACE_INTERRUPT, thread_, nullptr, nullptr) == 0 &&
                  ::waitpid(thread_, nullptr, __WALL) == thread_;
  }
  Hung(const Hung&) = delete;
  Hung& operator=(const Hung&) = delete;
  ~Hung() { ::ptrace(PTRACE_DETACH, thread_, nullptr, nullptr); }
  bool is_stopped() const { return is_stopped_; }

 private:
  const pid_t thread_;
  bool is_stopped_ = false;
};

std::string text_of(const std::optional<NotifySocket::Message>& message) { return message ? message->text : "nothing"; }

}  // namespace

TEST_CASE("ready, reloading, the new main process, stopping: each is said once, by who it concerns") {
  const TempDir dir;
  const NotifySocket systemd(dir.path() / "notify");
  Fleet fleet({"a"});
  Proxy proxy({.backends = fleet.configs()},
              {.environment = {systemd.variable()}, .wrapper = {}, .wait_until_up = true});
  UpgradeChain chain(proxy);
  CHECK(text_of(systemd.next()) == "READY=1");

  proxy.process().signal(SIGHUP);
  CHECK(text_of(systemd.next()).starts_with("RELOADING=1\nMONOTONIC_USEC="));
  CHECK(text_of(systemd.next()) == "READY=1");
  proxy.write_config("nonsense");
  CHECK(proxy.reload().is_whole(422));
  CHECK(text_of(systemd.next()).starts_with("RELOADING=1\n"));
  CHECK(text_of(systemd.next()) == "READY=1");
  proxy.reconfigure({.backends = fleet.configs()});

  REQUIRE(chain.upgrade());
  const auto main_process = systemd.next();
  REQUIRE(main_process);
  CHECK(main_process->text == "MAINPID=" + std::to_string(chain.current()));
  CHECK(main_process->sender == proxy.pid());
  const auto ready = systemd.next();
  REQUIRE(ready);
  CHECK(ready->text == "READY=1");
  CHECK(ready->sender == chain.current());
  CHECK(proxy.process().wait() == 0);

  CHECK(chain.stop() == 0);
  CHECK(text_of(systemd.next()) == "STOPPING=1");
}

TEST_CASE("the watchdog is fed while all loops turn, and not while a worker hangs") {
  const TempDir dir;
  const NotifySocket systemd(dir.path() / "notify");
  Fleet fleet({"a"});
  Proxy proxy({.backends = fleet.configs()},
              {.environment = {systemd.variable(), "WATCHDOG_USEC=900000"}, .wrapper = {}, .wait_until_up = true});
  CHECK(text_of(systemd.next()) == "READY=1");
  for (int i = 0; i < 3; ++i) CHECK(text_of(systemd.next()) == "WATCHDOG=1");
  {
    const Hung worker(threads_of(proxy.pid()).back());
    if (!worker.is_stopped()) return note_not_run("a hung worker", "a thread cannot be stopped here");
    REQUIRE(proxy.process().wait_for_line(" worker_hung "));
    while (systemd.next(Deadline{0ms})) continue;  // from before
    CHECK_FALSE(systemd.next(Deadline{1s}));       // more than an interval of 300 ms
  }
  REQUIRE(proxy.process().wait_for_line(" worker_turns_again "));
  CHECK(text_of(systemd.next()) == "WATCHDOG=1");
  CHECK(proxy.stop() == 0);
}

TEST_CASE("the watchdog of the old process is not inherited by number, and the new one feeds it") {
  const TempDir dir;
  const NotifySocket systemd(dir.path() / "notify");
  Fleet fleet({"a"});
  Proxy proxy({.backends = fleet.configs()},
              {.environment = {systemd.variable(), "WATCHDOG_USEC=900000"}, .wrapper = {}, .wait_until_up = true});
  UpgradeChain chain(proxy);
  REQUIRE(chain.upgrade());
  CHECK(eventually([&] {
    const auto message = systemd.next(Deadline{0ms});
    return message && message->text == "WATCHDOG=1" && message->sender == chain.current();
  }));
  CHECK(chain.stop() == 0);
}

TEST_CASE("systemd takes the unit, and finds it well shut in") {
  const std::string tool = "/usr/bin/systemd-analyze";
  if (!std::filesystem::exists(tool)) return note_not_run("the systemd unit", "systemd-analyze is not installed");
  const TempDir dir;
  std::string unit = read_text("packaging/systemd/holdfast.service");
  for (std::size_t at = unit.find("/usr/bin/holdfast"); at != std::string::npos; at = unit.find("/usr/bin/holdfast")) {
    unit.replace(at, 17, holdfast_binary());
  }
  const std::string file = dir.write("holdfast.service", unit).string();
  const Finished verified = run_to_end({.arguments = {tool, "verify", "--man=no", file}});
  CHECK(verified.code == 0);
  CHECK(verified.err + verified.out == "");
  const Finished judged =
      run_to_end({.arguments = {tool, "security", "--offline=yes", "--no-pager", "--threshold=20", file}});
  CHECK_MESSAGE(judged.code == 0, (judged.out + judged.err));
}
