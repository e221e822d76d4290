#pragma once

#include <event2/event_struct.h>

#include <functional>
#include <memory>
#include <utility>

#include "base/result.h"
#include "net/loop.h"
#include "net/stream.h"

namespace holdfast::net {

/// A socket that is bound and listens; nobody accepts from it yet. Owns its descriptor.
class BoundSocket {
 public:
  /// Binds and listens. Errors: Io with the address and the system's words.
  static base::Result<BoundSocket> open(const Address& address);
  BoundSocket(BoundSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)), address_(other.address_) {}
  BoundSocket& operator=(BoundSocket&& other) noexcept;
  BoundSocket(const BoundSocket&) = delete;
  BoundSocket& operator=(const BoundSocket&) = delete;
  ~BoundSocket();

  /// Where it listens in fact: port 0 has become a real one.
  const Address& address() const { return address_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  explicit BoundSocket(int fd) : fd_(fd) {}

  int fd_;
  Address address_;
};

/// A listening socket on one loop. Several loops listen on the same address by SO_REUSEPORT: the kernel spreads
/// connections over them.
class Listener {
 public:
  /// Comes once for each accepted connection.
  using OnAccept = std::function<void(std::unique_ptr<Stream>)>;

  /// Errors: those of BoundSocket::open().
  static base::Result<std::unique_ptr<Listener>> open(Loop& loop, const Address& address, OnAccept on_accept);
  /// On the loop's thread, or before it runs.
  Listener(Loop& loop, BoundSocket socket, OnAccept on_accept);
  /// Does somebody listen there already? (SO_REUSEPORT alone would let two proxies share an address by mistake.)
  static bool is_taken(const Address& address);

  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  /// Where it listens in fact: port 0 has become a real one.
  const Address& address() const { return address_; }
  /// Stops accepting; connections wait in the kernel's queue until resume(), or are reset when it is destroyed.
  void pause();
  void resume();
  /// Accepts what waits in the kernel's queue now: before an orderly end.
  void accept_waiting();

 private:
  static void on_event(int fd, short what, void* self) noexcept;
  enum class Left : std::uint8_t { Nothing, Perhaps };
  Left accept_some();
  void on_no_descriptors(int error);

  Loop& loop_;
  Address address_;
  int fd_;
  OnAccept on_accept_;
  event event_{};
  std::unique_ptr<base::Timer> pause_;  // after running out of descriptors
  bool said_no_descriptors_ = false;
};

}  // namespace holdfast::net
