#include "net/listener.h"

#include <event2/event.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "net/tcp_stream.h"

namespace holdfast::net {

namespace {

constexpr int kBacklog = 4096;
constexpr int kAcceptsPerTurn = 64;  // so that one busy listener does not starve the connections it has
constexpr base::Duration kNoDescriptorsPause = std::chrono::milliseconds{100};

/// Drops each first packet of a connection: a SYN, and no ACK (RFC 9293 section 3.1). Handshakes under way go on.
void ignore_new_connections(int fd) {
  constexpr std::uint32_t kFlagsByte = 13;
  constexpr std::uint32_t kSyn = 0x02;
  constexpr std::uint32_t kAck = 0x10;
  constexpr std::uint32_t kWhole = 0xffffffff;
  std::array<sock_filter, 5> program{{BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kFlagsByte),
                                      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, kSyn | kAck),
                                      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kSyn, 0, 1), BPF_STMT(BPF_RET | BPF_K, 0),
                                      BPF_STMT(BPF_RET | BPF_K, kWhole)}};
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);  // without it a few may be reset
}

}  // namespace

base::Result<BoundSocket> BoundSocket::open(const Address& address, From from) {
  const auto failed = [&]() -> base::Error {
    return {base::ErrorCode::Io, "cannot listen on " + address.text() + ": " + std::strerror(errno)};
  };
  BoundSocket made(Descriptor(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)));
  const int fd = made.socket_.get();
  if (fd < 0) return failed();
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (address.storage.ss_family == AF_INET6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // accepted sockets get it, too: one call less each
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.length) != 0) return failed();
  if (from == From::Now && ::listen(fd, kBacklog) != 0) return failed();
  if (!made.find_address()) return failed();
  return made;
}

base::Result<BoundSocket> BoundSocket::adopt(Descriptor socket) {
  BoundSocket made(std::move(socket));
  if (made.find_address()) return made;
  return base::Error{base::ErrorCode::Io, std::string("not a listening socket: ") + std::strerror(errno)};
}

bool BoundSocket::find_address() {
  address_.length = sizeof address_.storage;
  return ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address_.storage), &address_.length) == 0;
}

base::Result<std::unique_ptr<Listener>> Listener::open(Loop& loop, const Address& address, OnAccept on_accept) {
  auto socket = BoundSocket::open(address);
  if (!socket) return socket.error();
  return std::make_unique<Listener>(loop, std::move(*socket), std::move(on_accept));
}

bool Listener::is_taken(const Address& address) {
  if (address.port() == 0) return false;
  const int fd = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.storage.ss_family == AF_INET6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  const bool taken =
      ::bind(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.length) != 0 && errno == EADDRINUSE;
  ::close(fd);
  return taken;
}

Listener::Listener(Loop& loop, BoundSocket socket, OnAccept on_accept)
    : loop_(loop),
      address_(socket.address()),
      socket_(socket.release()),
      on_accept_(std::move(on_accept)),
      pause_(loop.timer([this] { resume(); })) {
  event_assign(&event_, loop.raw(), socket_.get(), EV_READ | EV_PERSIST, &Listener::on_event, this);
  resume();
}

Listener::~Listener() { event_del(&event_); }

void Listener::listen() { base::check(::listen(socket_.get(), kBacklog) == 0, "a bound socket listens"); }

void Listener::pause() {
  pause_->cancel();
  event_del(&event_);
}
void Listener::resume() { base::check(event_add(&event_, nullptr) == 0, "epoll takes a listener"); }

void Listener::on_event(int, short, void* self) noexcept { static_cast<Listener*>(self)->accept_some(); }

void Listener::accept_last() {
  ignore_new_connections(socket_.get());
  for (int i = 0; i < kBacklog / kAcceptsPerTurn && accept_some() == Left::Perhaps; ++i) continue;
}

Listener::Left Listener::accept_some() {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    Address peer;
    peer.length = sizeof peer.storage;
    const int fd = ::accept4(socket_.get(), reinterpret_cast<sockaddr*>(&peer.storage), &peer.length,
                             SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      on_accept_(std::make_unique<TcpStream>(loop_, fd, peer));
      continue;
    }
    if (errno == ECONNABORTED || errno == EINTR) continue;
    if (errno != EAGAIN) on_no_descriptors(errno);
    return Left::Nothing;
  }
  return Left::Perhaps;
}

void Listener::on_no_descriptors(int error) {
  if (!std::exchange(said_no_descriptors_, true)) {
    base::log::error("accept_failed", {{"address", address_.text()}, {"reason", std::strerror(error)}});
  }
  pause();
  pause_->set(loop_.now() + kNoDescriptorsPause);
}

}  // namespace holdfast::net
