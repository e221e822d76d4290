#pragma once

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include "base/text.h"
#include "tests/support/proxy.h"

namespace holdfast::support {

/// The processes that take over from a Proxy's one by upgrades. They are the test's own children, and end with this
/// object at the latest.
class UpgradeChain {
 public:
  explicit UpgradeChain(Proxy& proxy) : proxy_(proxy) {}
  UpgradeChain(const UpgradeChain&) = delete;
  UpgradeChain& operator=(const UpgradeChain&) = delete;
  ~UpgradeChain() {
    for (const pid_t pid : pids_) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
  }

  /// Who serves.
  pid_t current() const { return current_ == 0 ? proxy_.pid() : current_; }
  /// USR2 to it.
  void ask() const { ::kill(current(), SIGUSR2); }
  /// ask(), then waits until the new one serves.
  bool upgrade() {
    ask();
    const auto upgraded = next_line(" upgraded ");
    if (!upgraded || !next_line(" ready ")) return false;
    add(pid_in(*upgraded));
    return true;
  }
  /// The next line with that word since the last one asked for: of whichever process.
  std::optional<std::string> next_line(std::string_view word, Deadline deadline = Deadline{60s}) {
    std::optional<std::string> found;
    eventually(
        [&] {
          const std::string all = proxy_.process().err();
          std::size_t& from = seen_[std::string(word)];
          if (from == 0 && word == " ready ") from = all.find(word) + 1;  // of the start
          const std::size_t at = all.find(word, from);
          if (at == std::string::npos) return false;
          from = at + 1;
          const std::size_t begin = all.rfind('\n', at) + 1;
          found = all.substr(begin, all.find('\n', at) - begin);
          return true;
        },
        deadline);
    return found;
  }
  /// The exit code, or 128 + signal; nullopt when it still runs at the deadline.
  std::optional<int> wait(pid_t pid, Deadline deadline = Deadline{}) {
    const Fd watched{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
    pollfd entry{watched.get(), POLLIN, 0};
    if (watched.is_open()) ::poll(&entry, 1, deadline.poll_ms());
    int status = 0;
    if (::waitpid(pid, &status, WNOHANG) != pid) return std::nullopt;
    std::erase(pids_, pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  int stop() {
    ::kill(current(), SIGTERM);
    return wait(current()).value_or(-1);
  }
  const std::vector<pid_t>& pids() const { return pids_; }
  void add(pid_t pid) {
    current_ = pid;
    pids_.push_back(pid);
  }
  static pid_t pid_in(const std::string& line) {
    const auto at = line.find(" pid=");
    if (at == std::string::npos) return 0;
    const std::string_view rest = std::string_view(line).substr(at + 5);
    return static_cast<pid_t>(base::parse_decimal(rest.substr(0, rest.find(' '))).value_or(0));
  }

 private:
  Proxy& proxy_;
  pid_t current_ = 0;  // 0: the first
  std::vector<pid_t> pids_;
  std::map<std::string, std::size_t> seen_;  // how far next_line() has come, for each word
};

}  // namespace holdfast::support
