#include "net/channel.h"

#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace holdfast::net {

namespace {

constexpr int kParcelsPerTurn = 64;  // the loop has probes and signals to see to as well

using ControlBytes = std::array<char, CMSG_SPACE(sizeof(int))>;

Descriptor descriptor_in(msghdr& message) {
  Descriptor found;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(part), sizeof fd);
    found = Descriptor(fd);
  }
  return found;
}

/// Errors: Unavailable: nothing there now. Closed. Malformed: longer than we ever send.
base::Result<Parcel> take(const Descriptor& end) {
  Parcel parcel;
  parcel.bytes.resize(Channel::kMessageMax);
  iovec piece{parcel.bytes.data(), parcel.bytes.size()};
  alignas(cmsghdr) ControlBytes control{};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t got = 0;
  // A reset says once that the other side has not read all; what it said itself is still to come.
  do got = ::recvmsg(end.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  while (got < 0 && (errno == EINTR || errno == ECONNRESET));
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return base::Error{base::ErrorCode::Unavailable, {}};
  if (got <= 0) return base::Error{base::ErrorCode::Closed, "the other process has ended"};
  parcel.descriptor = descriptor_in(message);
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    return base::Error{base::ErrorCode::Malformed, "a message was cut short"};
  }
  parcel.bytes.resize(static_cast<std::size_t>(got));
  return parcel;
}

ssize_t put(const Descriptor& end, const Parcel& parcel) {
  iovec piece{const_cast<char*>(parcel.bytes.data()), parcel.bytes.size()};
  alignas(cmsghdr) ControlBytes control{};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  if (parcel.descriptor.is_open()) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int));
    const int fd = parcel.descriptor.get();
    std::memcpy(CMSG_DATA(part), &fd, sizeof fd);
  }
  ssize_t sent = 0;
  do sent = ::sendmsg(end.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (sent < 0 && errno == EINTR);
  return sent;
}

}  // namespace

base::Result<std::pair<Descriptor, Descriptor>> Channel::make_ends() {
  std::array<int, 2> ends{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return base::Error{base::ErrorCode::Overload, std::string("cannot make a channel: ") + std::strerror(errno)};
  }
  return std::pair(Descriptor(ends[0]), Descriptor(ends[1]));
}

base::Result<Parcel> Channel::receive(const Descriptor& end, base::Duration patience) {
  const base::Instant due = std::chrono::steady_clock::now() + patience;
  for (;;) {
    auto got = take(end);
    if (got || got.error().code != base::ErrorCode::Unavailable) return got;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - std::chrono::steady_clock::now());
    pollfd entry{end.get(), POLLIN, 0};
    if (left <= left.zero() || ::poll(&entry, 1, static_cast<int>(left.count())) == 0) {
      return base::Error{base::ErrorCode::Timeout, "the other process does not respond"};
    }
  }
}

Channel::Channel(Loop& loop, Descriptor end, Handler& handler) : handler_(handler), end_(std::move(end)) {
  event_assign(&readable_, loop.raw(), end_.get(), EV_READ | EV_PERSIST, &Channel::on_event, this);
  event_assign(&writable_, loop.raw(), end_.get(), EV_WRITE | EV_PERSIST, &Channel::on_event, this);
  base::check(event_add(&readable_, nullptr) == 0, "epoll takes a socket");
}

Channel::~Channel() { close(); }

void Channel::close() {
  if (std::exchange(is_closed_, true)) return;
  event_del(&readable_);
  event_del(&writable_);
  waiting_.clear();
  end_ = Descriptor();
}

void Channel::send(std::string bytes, Descriptor descriptor) {
  base::check(!bytes.empty() && bytes.size() <= kMessageMax, "a message has a size");
  if (is_closed_) return;
  const bool was_clear = waiting_.empty();
  waiting_.push_back({std::move(bytes), std::move(descriptor)});
  if (was_clear) flush();
}

void Channel::flush() {
  while (!waiting_.empty()) {
    if (put(end_, waiting_.front()) < 0) {
      // What else goes wrong shows when reading.
      if (errno == EAGAIN || errno == EWOULDBLOCK) event_add(&writable_, nullptr);
      return;
    }
    waiting_.pop_front();
  }
}

void Channel::on_event(int, short what, void* self) noexcept {
  auto& channel = *static_cast<Channel*>(self);
  if ((what & EV_WRITE) != 0 && !channel.is_closed_) {
    event_del(&channel.writable_);
    channel.flush();
    if (channel.waiting_.empty()) channel.handler_.on_room();
  }
  if ((what & EV_READ) != 0) channel.on_readable();
}

void Channel::on_readable() {
  for (int i = 0; i < kParcelsPerTurn && !is_closed_; ++i) {
    auto got = take(end_);
    if (got) {
      handler_.on_parcel(std::move(*got));
    } else if (got.error().code == base::ErrorCode::Unavailable) {
      return;
    } else {
      return lose();
    }
  }
}

void Channel::lose() {
  close();
  handler_.on_gone();
}

}  // namespace holdfast::net
