#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "tests/support/deadline.h"

namespace holdfast::support {

/// Owns a file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) close(), fd_ = std::exchange(other.fd_, -1);
    return *this;
  }
  ~Fd() { close(); }
  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  void close();

 private:
  int fd_ = -1;
};

/// How far a read or a write on a socket came.
enum class Io : std::uint8_t { Ok, Closed, Reset, Timeout, Failed };

/// A TCP connection to 127.0.0.1:port; not open when it was refused or timed out.
Fd connect_to(std::uint16_t port, Deadline deadline = Deadline{});
inline constexpr const char* kLoopback = "127.0.0.1";

/// Listens on host:port, 0: the system picks; not open when the port is taken.
Fd listen_on(std::uint16_t port, const char* host = kLoopback);
/// The next connection; not open when the deadline passed or the listener was shut down.
Fd accept_from(const Fd& listener, Deadline deadline = Deadline{});
/// Binds host:port without listening: connecting to it is refused, and nobody else is given the port while a
/// server of ours is away. port 0: the system picks.
Fd reserve_port(std::uint16_t port = 0, const char* host = kLoopback);
std::uint16_t port_of(const Fd& socket);

/// Writes all of it.
Io send_all(const Fd& socket, std::string_view bytes, Deadline deadline = Deadline{});
struct Got {
  Io io = Io::Failed;
  std::size_t bytes = 0;  ///< More than 0 with Ok only.
};
/// Waits for some bytes.
Got receive_some(const Fd& socket, std::span<char> into, Deadline deadline = Deadline{});
/// Has the peer ended or broken the connection? Looks without waiting and without taking bytes away.
bool peer_has_gone(const Fd& socket);
/// Closes with RST instead of FIN.
void reset(Fd& socket);
/// Breaks it with RST at once, while another thread may wait on it; the descriptor stays open.
void break_connection(const Fd& socket);
void shutdown_write(const Fd& socket);

/// Raises this process's limit of open descriptors to what the system allows; the limit that holds now.
std::size_t raise_descriptor_limit();

}  // namespace holdfast::support
