#include "server/access_log_sink.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

#include "base/check.h"
#include "base/log.h"

namespace holdfast::server {

namespace {

std::string words_of(int error) { return std::system_category().message(error); }

}  // namespace

AccessLogSink::AccessLogSink(std::string path)
    : path_(std::move(path)), wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  base::check(wake_fd_ >= 0, "an eventfd can be made");
}

AccessLogSink::~AccessLogSink() {
  if (fd_ >= 0 && !is_stdout()) ::close(fd_);
  ::close(wake_fd_);
}

int AccessLogSink::open_path() const {
  if (is_stdout()) return STDOUT_FILENO;
  // Non-blocking for FIFOs and terminals; regular files do not care.
  return ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0640);
}

base::Result<void> AccessLogSink::open() {
  fd_ = open_path();
  if (fd_ >= 0) return {};
  const int error = errno;
  if (error != ENXIO) return base::Error{base::ErrorCode::Io, "access log " + path_ + ": " + words_of(error)};
  on_trouble(error);  // a FIFO without a reader
  return {};
}

void AccessLogSink::reopen() {
  std::uint64_t wakes = 0;
  [[maybe_unused]] const ssize_t taken = ::read(wake_fd_, &wakes, sizeof wakes);
  if (is_stdout()) return;
  const int fresh = open_path();
  if (fresh < 0) return on_trouble(errno);
  if (fd_ >= 0) ::close(fd_);
  fd_ = fresh;
  line_is_torn_ = false;
}

bool AccessLogSink::ensure_open() {
  if (fd_ >= 0) return true;
  fd_ = open_path();
  if (fd_ < 0) on_trouble(errno);
  return fd_ >= 0;
}

std::size_t AccessLogSink::write(std::string_view text) {
  if (!ensure_open()) return 0;
  if (line_is_torn_) {
    if (write_piece("\n") != 1) return 0;
    line_is_torn_ = false;
  }
  std::size_t done = 0;
  while (done < text.size()) {
    const std::size_t wrote = write_piece(text.substr(done));
    if (wrote == 0) break;
    done += wrote;
  }
  if (done > 0) line_is_torn_ = text[done - 1] != '\n';
  if (done == text.size()) on_written();
  return done;
}

std::size_t AccessLogSink::write_piece(std::string_view text) {
  while (wait_for_room()) {
    // stdout is shared and stays blocking: what poll(2) calls room holds this much of a pipe, so the write returns.
    const std::size_t size = is_stdout() ? std::min<std::size_t>(text.size(), PIPE_BUF) : text.size();
    const ssize_t wrote = ::write(fd_, text.data(), size);
    if (wrote > 0) return static_cast<std::size_t>(wrote);
    if (wrote == 0 || errno == EINTR || errno == EAGAIN) continue;
    on_trouble(errno);
    return 0;
  }
  return 0;
}

bool AccessLogSink::wait_for_room() const {
  for (;;) {
    const base::Instant::rep due = stop_due_.load();
    int wait_ms = -1;
    if (due != 0) {
      const auto left = base::Instant(base::Instant::duration(due)) - std::chrono::steady_clock::now();
      wait_ms = static_cast<int>(std::max<std::int64_t>(0, base::count_ms(left)));
    }
    // The wake-up stays readable once stop() has come, so from then on only the sink is watched.
    pollfd watched[] = {{fd_, POLLOUT, 0}, {wake_fd_, POLLIN, 0}};
    const int ready = ::poll(watched, due == 0 ? 2 : 1, wait_ms);
    if (ready < 0 && errno != EINTR) return false;
    if (ready < 0) continue;
    if (watched[0].revents != 0) return true;
    const bool interrupted = due == 0 && watched[1].revents != 0 && stop_due_.load() == 0;
    if (interrupted || (ready == 0 && due != 0)) return false;
  }
}

void AccessLogSink::stop(base::Instant due) {
  stop_due_.store(due.time_since_epoch().count());
  interrupt();
}

void AccessLogSink::interrupt() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t wrote = ::write(wake_fd_, &one, sizeof one);
}

void AccessLogSink::on_trouble(int error) {
  if (std::exchange(in_trouble_, true)) return;
  base::log::error("access_log_failed", {{"path", path_}, {"reason", words_of(error)}});
}

void AccessLogSink::on_written() {
  if (!std::exchange(in_trouble_, false)) return;
  base::log::info("access_log_works_again", {{"path", path_}});
}

}  // namespace holdfast::server
