#include "server/launch.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "server/upgrade_words.h"

extern char** environ;

namespace holdfast::server {

namespace {

using base::Error;
using base::ErrorCode;

/// As a shell finds it.
std::string program_path(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const char* variable = std::getenv("PATH");
  std::string_view folders = variable != nullptr ? variable : "/usr/bin:/bin";
  while (true) {
    const std::size_t end = std::min(folders.find(':'), folders.size());
    std::string path = std::string(folders.substr(0, end)) + "/" + name;
    if (::access(path.c_str(), X_OK) == 0) return path;
    if (end == folders.size()) return name;
    folders.remove_prefix(end + 1);
  }
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

/// Ours, but for what is said to one process by its number.
std::vector<std::string> environment_of(int channel) {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (text.starts_with("WATCHDOG_PID=") || text.starts_with(kUpgradeVariable)) continue;
    out.emplace_back(text);
  }
  out.push_back(std::string(kUpgradeVariable) + "=" + std::to_string(channel));
  return out;
}

struct Start {
  const char* path;
  char** words;
  char** environment;
  int channel;
  std::string_view farewell;
};

// In the new process, which has one thread and copies of all locks as they were: system calls only.
[[noreturn]] void become(const Start& start) {
  ::fcntl(start.channel, F_SETFD, 0);
  std::signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(start.path, start.words, start.environment);
  if (::write(start.channel, start.farewell.data(), start.farewell.size()) < 0) ::_exit(126);
  ::_exit(127);
}

}  // namespace

base::Result<pid_t> launch(const std::vector<std::string>& words, const net::Descriptor& channel) {
  if (::getpid() == 1) return Error{ErrorCode::Invalid, "process 1 of a container cannot be replaced: start another"};
  const std::string path = program_path(words.empty() ? std::string() : words.front());
  if (::access(path.c_str(), X_OK) != 0) {
    return Error{ErrorCode::Invalid, "cannot run " + path + ": " + std::strerror(errno)};
  }
  std::vector<std::string> arguments = words;
  std::vector<std::string> environment = environment_of(channel.get());
  const std::string farewell = upgrade::bytes_of(upgrade::Failed{"the system cannot run " + path});
  const std::vector<char*> argv = pointers(arguments);
  const std::vector<char*> envp = pointers(environment);
  const Start start{.path = path.c_str(),
                    .words = const_cast<char**>(argv.data()),
                    .environment = const_cast<char**>(envp.data()),
                    .channel = channel.get(),
                    .farewell = farewell};
  // A fork whose child is our brother.
  const long pid = ::syscall(SYS_clone, CLONE_PARENT | SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (pid == 0) become(start);
  if (pid < 0) return Error{ErrorCode::Overload, std::string("cannot start a process: ") + std::strerror(errno)};
  return static_cast<pid_t>(pid);
}

}  // namespace holdfast::server
