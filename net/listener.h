#pragma once

#include <event2/event_struct.h>

#include <functional>
#include <memory>
#include <utility>

#include "base/result.h"
#include "net/descriptor.h"
#include "net/loop.h"
#include "net/stream.h"

namespace holdfast::net {

/// A socket that is bound; nobody accepts from it yet.
class BoundSocket {
 public:
  enum class From : std::uint8_t {
    Now,   ///< It listens: connections wait in its queue.
    Later  ///< The kernel gives it no connection before Listener::listen().
  };
  /// Errors: Io with the address and the system's words.
  static base::Result<BoundSocket> open(const Address& address, From from = From::Now);
  /// One that another process has opened and handed over. Errors: Io.
  static base::Result<BoundSocket> adopt(Descriptor socket);

  /// Where it listens in fact: port 0 has become a real one.
  const Address& address() const { return address_; }
  Descriptor release() { return std::move(socket_); }

 private:
  explicit BoundSocket(Descriptor socket) : socket_(std::move(socket)) {}
  bool find_address();

  Descriptor socket_;
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
  /// Does somebody listen there already? (SO_REUSEPORT alone would let two proxies share an address by accident.)
  static bool is_taken(const Address& address);

  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  /// Where it listens in fact: port 0 has become a real one.
  const Address& address() const { return address_; }
  /// The same socket for another process; not open when there are no descriptors left.
  Descriptor duplicate() const { return socket_.duplicate(); }
  /// Of a socket that was opened to listen later; does no harm to others.
  void listen();
  /// Stops accepting; connections wait in the kernel's queue until resume(), or for another process that has the same
  /// socket, or are reset when it is destroyed.
  void pause();
  void resume();
  /// Before it is destroyed: accepts what waits in the kernel's queue. A later client gets no reply from the
  /// kernel, instead of a reset, and tries again within a second: then the next owner of the address may accept it.
  void accept_last();

 private:
  static void on_event(int fd, short what, void* self) noexcept;
  enum class Left : std::uint8_t { Nothing, Perhaps };
  Left accept_some();
  void on_no_descriptors(int error);

  Loop& loop_;
  Address address_;
  Descriptor socket_;
  OnAccept on_accept_;
  event event_{};
  std::unique_ptr<base::Timer> pause_;  // after running out of descriptors
  bool said_no_descriptors_ = false;
};

}  // namespace holdfast::net
