#include "ctl/child.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string_view>
#include <system_error>
#include <thread>

extern char** environ;

namespace holdfast::ctl {

namespace {

constexpr auto kStep = std::chrono::milliseconds{100};

std::vector<std::string> environment_with(const std::vector<std::pair<std::string, std::string>>& variables) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view known = *entry;
    const bool is_ours = std::any_of(variables.begin(), variables.end(),
                                     [&](const auto& each) { return known.substr(0, known.find('=')) == each.first; });
    if (!is_ours) all.emplace_back(known);
  }
  for (const auto& [name, value] : variables) all.push_back(fmt::format("{}={}", name, value));
  return all;
}

base::Error failed(int error) {
  return {base::ErrorCode::Io, "cannot run /bin/sh: " + std::system_category().message(error)};
}

}  // namespace

base::Result<int> run_child(const std::string& command,
                            const std::vector<std::pair<std::string, std::string>>& variables,
                            const std::function<void()>& meanwhile) {
  auto environment = environment_with(variables);
  std::vector<char*> pointers;
  pointers.reserve(environment.size() + 1);
  for (std::string& entry : environment) pointers.push_back(entry.data());
  pointers.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) return failed(errno);
  if (pid == 0) {
    ::execle("/bin/sh", "sh", "-c", command.c_str(), nullptr, pointers.data());
    ::_exit(127);
  }
  for (;;) {
    int status = 0;
    const pid_t ended = ::waitpid(pid, &status, WNOHANG);
    if (ended == pid) return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (ended < 0 && errno != EINTR) return failed(errno);
    meanwhile();
    std::this_thread::sleep_for(kStep);
  }
}

}  // namespace holdfast::ctl
