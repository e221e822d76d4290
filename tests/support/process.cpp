#include "tests/support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <iterator>

#include "base/check.h"
#include "base/text.h"
#include "tests/support/temp_dir.h"

extern char** environ;

namespace holdfast::support {
namespace {

struct Pipe {
  Fd read;
  Fd write;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  base::check(::pipe2(ends.data(), O_CLOEXEC) == 0, "a pipe can be made");
  return {Fd{ends[0]}, Fd{ends[1]}};
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

std::vector<std::string> merged_environment(const std::vector<std::string>& extra) {
  std::vector<std::string> merged = extra;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view ours = *entry;
    const auto name = ours.substr(0, ours.find('=') + 1);
    bool replaced = false;
    for (const auto& text : extra) replaced = replaced || text.starts_with(name);
    if (!replaced) merged.emplace_back(ours);
  }
  return merged;
}

int unread_bytes(const Fd& pipe) {
  int count = 0;
  return ::ioctl(pipe.get(), FIONREAD, &count) == 0 ? count : 0;
}

// Between fork and exec: only what POSIX allows after a fork of a program with threads.
[[noreturn]] void become(char** arguments, char** environment, int out, int err) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  ::execvpe(arguments[0], arguments, environment);
  constexpr std::string_view kSorry = "cannot run the program: ";
  for (const std::string_view part : {kSorry, std::string_view(arguments[0]), std::string_view("\n")}) {
    if (::write(STDERR_FILENO, part.data(), part.size()) < 0) break;
  }
  ::_exit(127);
}

}  // namespace

Process::Process(Options options) {
  Pipe out = make_pipe();
  Pipe err = make_pipe();
  auto environment = merged_environment(options.environment);
  const auto argv = pointers(options.arguments);
  const auto envp = pointers(environment);
  pid_ = ::fork();
  base::check(pid_ >= 0, "a process can be started");
  if (pid_ == 0)
    become(const_cast<char**>(argv.data()), const_cast<char**>(envp.data()), out.write.get(), err.write.get());
  pid_fd_ = Fd{static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0))};
  out.write.close();
  err.write.close();
  out_ = std::move(out.read);
  err_ = std::move(err.read);
  Pipe stop = make_pipe();
  stop_ = std::move(stop.write);
  collector_ = std::thread([this, s = std::move(stop.read)] { collect(s); });
}

Process::~Process() {
  if (is_running()) {
    signal(SIGKILL);
    wait();
  }
  stop_.close();
  collector_.join();
}

void Process::signal(int number) const {
  if (!exit_) ::kill(pid_, number);
}

std::optional<int> Process::wait(Deadline deadline) {
  if (exit_) return exit_;
  pollfd entry{pid_fd_.get(), POLLIN, 0};
  while (::poll(&entry, 1, deadline.poll_ms()) < 0 && errno == EINTR) {
  }
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  exit_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return exit_;
}

bool Process::is_running() { return !wait(Deadline{0ms}); }

std::optional<std::string> Process::wait_for_line(std::string_view text, Deadline deadline) {
  std::unique_lock lock(mutex_);
  std::size_t next = 0;
  while (true) {
    for (; next < lines_.size(); ++next) {
      if (lines_[next].text.find(text) != std::string::npos) return lines_[next].text;
    }
    if (output_ended_ || changed_.wait_until(lock, deadline.due()) == std::cv_status::timeout) {
      if (next == lines_.size()) return std::nullopt;
    }
  }
}

std::string Process::out() const { return joined(false); }
std::string Process::err() const { return joined(true); }

std::string Process::joined(bool is_error) const {
  std::unique_lock lock(mutex_);
  if (exit_) {
    changed_.wait_until(lock, Deadline{}.due(),
                        [this] { return output_ended_ || unread_bytes(out_) + unread_bytes(err_) == 0; });
  }
  std::string text;
  for (const Line& line : lines_) {
    if (line.is_error == is_error) text.append(line.text).push_back('\n');
  }
  if (exit_ && !rests_[is_error ? 1 : 0].empty()) text.append(rests_[is_error ? 1 : 0]).push_back('\n');
  return text;
}

void Process::collect(const Fd& stop) {
  std::array<pollfd, 3> entries{pollfd{out_.get(), POLLIN, 0}, pollfd{err_.get(), POLLIN, 0}, pollfd{stop.get(), 0, 0}};
  std::array<char, 65536> chunk{};
  int open = 2;
  while (open > 0) {
    if (::poll(entries.data(), entries.size(), -1) < 0) continue;
    if (entries[2].revents != 0) break;
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < rests_.size(); ++i) {
      if (entries[i].fd < 0 || entries[i].revents == 0) continue;
      const ssize_t got = ::read(entries[i].fd, chunk.data(), chunk.size());
      if (got > 0) {
        append(i == 1, {chunk.data(), static_cast<std::size_t>(got)});
      } else if (got == 0 || errno != EINTR) {
        if (!rests_[i].empty()) append(i == 1, "\n");
        entries[i].fd = -1;
        --open;
      }
    }
  }
  const std::lock_guard lock(mutex_);
  output_ended_ = true;
  changed_.notify_all();
}

void Process::append(bool is_error, std::string_view bytes) {
  std::string& rest = rests_[is_error ? 1 : 0];
  for (std::size_t end = bytes.find('\n'); end != std::string_view::npos; end = bytes.find('\n')) {
    rest.append(bytes.substr(0, end));
    lines_.push_back({is_error, std::exchange(rest, {})});
    bytes.remove_prefix(end + 1);
  }
  rest.append(bytes);
  changed_.notify_all();
}

Finished run_to_end(Process::Options options, Deadline deadline) {
  Process process(std::move(options));
  Finished finished;
  finished.code = process.wait(deadline).value_or(-1);
  finished.out = process.out();
  finished.err = process.err();
  return finished;
}

std::size_t resident_bytes(pid_t pid) {
  const std::string status = read_text("/proc/" + std::to_string(pid) + "/status");
  const auto at = status.find("VmRSS:");
  if (at == std::string::npos) return 0;
  const auto end = status.find("kB", at);
  const auto number = base::parse_decimal(base::trim(std::string_view(status).substr(at + 6, end - at - 6)));
  return static_cast<std::size_t>(number.value_or(0)) << 10;
}

std::size_t open_descriptors(pid_t pid) {
  std::error_code error;
  const std::filesystem::directory_iterator entries("/proc/" + std::to_string(pid) + "/fd", error);
  return error ? 0 : static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

}  // namespace holdfast::support
