#include "tests/support/socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace holdfast::support {
namespace {

sockaddr_in address_of(const char* host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  ::inet_pton(AF_INET, host, &address.sin_addr);
  return address;
}

const sockaddr* plain(const sockaddr_in& address) {
  return static_cast<const sockaddr*>(static_cast<const void*>(&address));
}

Fd tcp_socket() { return Fd{::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)}; }

void set_flag(const Fd& socket, int level, int option) {
  const int on = 1;
  ::setsockopt(socket.get(), level, option, &on, sizeof on);
}

bool wait_for(const Fd& socket, short what, Deadline deadline) {
  pollfd entry{socket.get(), what, 0};
  while (true) {
    const int ready = ::poll(&entry, 1, deadline.poll_ms());
    if (ready >= 0 || errno != EINTR) return ready > 0;
  }
}

Io broken(int error) { return error == ECONNRESET || error == EPIPE ? Io::Reset : Io::Failed; }

}  // namespace

void Fd::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Fd connect_to(std::uint16_t port, Deadline deadline) {
  Fd socket = tcp_socket();
  if (!socket.is_open()) return socket;
  set_flag(socket, IPPROTO_TCP, TCP_NODELAY);
  const sockaddr_in address = address_of(kLoopback, port);
  if (::connect(socket.get(), plain(address), sizeof address) == 0) return socket;
  if (errno != EINPROGRESS || !wait_for(socket, POLLOUT, deadline)) return {};
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error == 0 ? std::move(socket) : Fd{};
}

Fd listen_on(std::uint16_t port, const char* host) {
  Fd socket = reserve_port(port, host);
  if (!socket.is_open() || ::listen(socket.get(), 4096) != 0) return {};
  return socket;
}

Fd reserve_port(std::uint16_t port, const char* host) {
  Fd socket = tcp_socket();
  if (!socket.is_open()) return socket;
  set_flag(socket, SOL_SOCKET, SO_REUSEADDR);
  const sockaddr_in address = address_of(host, port);
  if (::bind(socket.get(), plain(address), sizeof address) != 0) return {};
  return socket;
}

Fd accept_from(const Fd& listener, Deadline deadline) {
  while (wait_for(listener, POLLIN, deadline)) {
    Fd socket{::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    if (socket.is_open()) {
      set_flag(socket, IPPROTO_TCP, TCP_NODELAY);
      return socket;
    }
    if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) break;
  }
  return {};
}

std::uint16_t port_of(const Fd& socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(socket.get(), static_cast<sockaddr*>(static_cast<void*>(&address)), &size);
  return ntohs(address.sin_port);
}

Io send_all(const Fd& socket, std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      if (!wait_for(socket, POLLOUT, deadline)) return Io::Timeout;
    } else if (errno != EINTR) {
      return broken(errno);
    }
  }
  return Io::Ok;
}

Got receive_some(const Fd& socket, std::span<char> into, Deadline deadline) {
  while (true) {
    const ssize_t got = ::recv(socket.get(), into.data(), into.size(), 0);
    if (got > 0) return {Io::Ok, static_cast<std::size_t>(got)};
    if (got == 0) return {Io::Closed, 0};
    if (errno == EAGAIN) {
      if (!wait_for(socket, POLLIN, deadline)) return {Io::Timeout, 0};
    } else if (errno != EINTR) {
      return {broken(errno), 0};
    }
  }
}

bool peer_has_gone(const Fd& socket) {
  pollfd entry{socket.get(), POLLRDHUP, 0};
  return ::poll(&entry, 1, 0) > 0 && (entry.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

void reset(Fd& socket) {
  const linger hard{1, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  socket.close();
}

void break_connection(const Fd& socket) {
  sockaddr nowhere{};
  nowhere.sa_family = AF_UNSPEC;
  static_cast<void>(::connect(socket.get(), &nowhere, sizeof nowhere));  // dissolves it, there is nothing to fail
}

void shutdown_write(const Fd& socket) { ::shutdown(socket.get(), SHUT_WR); }

std::size_t raise_descriptor_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

}  // namespace holdfast::support
