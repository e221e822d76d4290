#include "ctl/stream.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace holdfast::ctl {

using State = net::IoResult::State;

CtlStream::~CtlStream() { ::close(fd_); }

base::Result<void> CtlStream::wait(int fd, short events, base::Instant due) {
  for (;;) {
    const auto left_ms = std::max<std::int64_t>(0, base::count_ms(due - std::chrono::steady_clock::now()));
    pollfd watched{fd, events, 0};
    const int ready = ::poll(&watched, 1, static_cast<int>(left_ms));
    if (ready > 0) return {};
    if (ready == 0) return base::Error{base::ErrorCode::Timeout, {}};
    if (errno != EINTR) return base::Error{base::ErrorCode::Io, {}};
  }
}

net::IoResult CtlStream::read(std::span<char> into) {
  for (;;) {
    const ssize_t got = ::recv(fd_, into.data(), into.size(), 0);
    if (got > 0) return {.state = State::Ok, .bytes = static_cast<std::size_t>(got)};
    if (got == 0) return {.state = State::Closed};
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return {.state = State::Failed, .error = base::ErrorCode::Reset};
    if (const auto waited = wait(fd_, POLLIN, due_); !waited) {
      return {.state = State::Failed, .error = waited.error().code};
    }
  }
}

net::IoResult CtlStream::write(std::span<const iovec> pieces) {
  std::size_t sent = 0;
  for (const iovec& piece : pieces) {
    for (std::size_t at = 0; at < piece.iov_len;) {
      const ssize_t some = ::send(fd_, static_cast<const char*>(piece.iov_base) + at, piece.iov_len - at, MSG_NOSIGNAL);
      if (some >= 0) {
        at += static_cast<std::size_t>(some);
        sent += static_cast<std::size_t>(some);
      } else if (errno == EAGAIN) {
        if (const auto waited = wait(fd_, POLLOUT, due_); !waited) {
          return {.state = State::Failed, .bytes = sent, .error = waited.error().code};
        }
      } else if (errno != EINTR) {
        return {.state = State::Failed, .bytes = sent, .error = base::ErrorCode::Reset};
      }
    }
  }
  return {.state = State::Ok, .bytes = sent};
}

}  // namespace holdfast::ctl
