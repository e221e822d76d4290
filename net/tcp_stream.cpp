#include "net/tcp_stream.h"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/check.h"

namespace holdfast::net {

namespace {

constexpr std::size_t kGatheredMax = 2048;  // bytes of a small response

// libc's recv() and send() are points where a thread may be cancelled: in a process of several threads each call books
// itself in and out with two locked instructions. Nobody here is ever cancelled, and a request makes four calls.
ssize_t receive(int fd, std::span<char> into) {
  return ::syscall(SYS_recvfrom, fd, into.data(), into.size(), 0L, nullptr, nullptr);
}
ssize_t transmit(int fd, const void* bytes, std::size_t size, int flags) {
  return ::syscall(SYS_sendto, fd, bytes, size, static_cast<long>(flags), nullptr, 0L);
}

}  // namespace

base::ErrorCode error_code_of(int system_error) {
  using base::ErrorCode;
  switch (system_error) {
    case ECONNREFUSED:
      return ErrorCode::Refused;
    case ECONNRESET:
    case EPIPE:
    case ECONNABORTED:
      return ErrorCode::Reset;
    case ETIMEDOUT:
      return ErrorCode::Timeout;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN:
      return ErrorCode::Unreachable;
    case EADDRNOTAVAIL:  // of our own ports
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return ErrorCode::Overload;
    default:
      return ErrorCode::Io;
  }
}

TcpStream::TcpStream(Loop& loop, int fd, const Address& peer) : loop_(loop), fd_(fd), peer_(peer) {
  event_assign(&read_event_, loop.raw(), fd, EV_READ | EV_CLOSED | EV_ET | EV_PERSIST, &TcpStream::on_read_event, this);
  base::check(event_add(&read_event_, nullptr) == 0, "epoll takes a new connection");
}

TcpStream::~TcpStream() {
  event_del(&read_event_);
  if (write_event_) event_del(write_event_.get());
  ::close(fd_);
}

IoResult TcpStream::read(std::span<char> into) {
  for (;;) {
    const ssize_t got = receive(fd_, into);
    if (got > 0) return {.state = IoResult::State::Ok, .bytes = static_cast<std::size_t>(got)};
    if (got == 0) {
      peer_ended_ = true;
      return {.state = IoResult::State::Closed};
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN) return {.state = IoResult::State::Blocked};
    peer_ended_ = true;
    return {.state = IoResult::State::Failed, .error = error_code_of(errno)};
  }
}

// The kernel keeps a packet that MSG_MORE leaves unfilled until the end comes: one packet less, and for the client one
// wake-up. Of an ended side that is at once, of a stream that is destroyed at the end of the turn.
IoResult TcpStream::write_last(std::span<const iovec> pieces) { return send(pieces, MSG_MORE); }

IoResult TcpStream::send(std::span<const iovec> pieces, int flags) {
  std::size_t wanted = 0;
  for (const iovec& piece : pieces) wanted += piece.iov_len;
  for (;;) {
    ssize_t sent = 0;
    if (pieces.size() == 1) {
      sent = transmit(fd_, pieces[0].iov_base, pieces[0].iov_len, flags | MSG_NOSIGNAL);
    } else if (wanted <= kGatheredMax) {
      // For the kernel, one piece is cheaper than a list of them, by more than copying so few bytes costs.
      std::array<char, kGatheredMax> bytes;  // NOLINT(cppcoreguidelines-pro-type-member-init)
      char* end = bytes.data();
      for (const iovec& piece : pieces) end = std::copy_n(static_cast<const char*>(piece.iov_base), piece.iov_len, end);
      sent = transmit(fd_, bytes.data(), wanted, flags | MSG_NOSIGNAL);
    } else {
      msghdr message{};
      message.msg_iov = const_cast<iovec*>(pieces.data());
      message.msg_iovlen = pieces.size();
      sent = ::sendmsg(fd_, &message, flags | MSG_NOSIGNAL);
    }
    if (sent >= 0) {
      const auto bytes = static_cast<std::size_t>(sent);
      if (bytes == wanted) return {.state = IoResult::State::Ok, .bytes = bytes};
      watch_writing();
      return {.state = IoResult::State::Blocked, .bytes = bytes};
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN) {
      watch_writing();
      return {.state = IoResult::State::Blocked};
    }
    return {.state = IoResult::State::Failed, .error = error_code_of(errno)};
  }
}

void TcpStream::watch_writing() {
  write_blocked_ = true;
  if (!write_event_) {
    write_event_ = std::make_unique<event>();
    event_assign(write_event_.get(), loop_.raw(), fd_, EV_WRITE | EV_ET | EV_PERSIST, &TcpStream::on_write_event, this);
  }
  if (std::exchange(is_write_watched_, true)) return;
  base::check(event_add(write_event_.get(), nullptr) == 0, "epoll takes a write interest");
}

void TcpStream::watch_connect() { watch_writing(); }

void TcpStream::connect_is_over() {
  event_del(write_event_.get());
  is_write_watched_ = false;
}

int TcpStream::take_error() const {
  int error = 0;
  socklen_t length = sizeof error;
  ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length);
  return error;
}

void TcpStream::shutdown_write() { ::shutdown(fd_, SHUT_WR); }

void TcpStream::reset_on_close() {
  const linger hard{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

void TcpStream::on_read_event(evutil_socket_t, short what, void* self) noexcept {
  auto& stream = *static_cast<TcpStream*>(self);
  if ((what & EV_CLOSED) != 0) stream.peer_ended_ = true;
  if (stream.handler_ != nullptr) stream.handler_->on_readable();
}

void TcpStream::on_write_event(evutil_socket_t, short, void* self) noexcept {
  auto& stream = *static_cast<TcpStream*>(self);
  if (!stream.write_blocked_ || stream.handler_ == nullptr) return;
  stream.write_blocked_ = false;
  stream.handler_->on_writable();
}

}  // namespace holdfast::net
