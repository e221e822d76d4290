#pragma once

#include <event2/event.h>
#include <event2/event_struct.h>

#include <memory>

#include "net/loop.h"
#include "net/stream.h"

namespace holdfast::net {

/// A TCP connection on a loop. Reading is watched from the start (edge-triggered, so one epoll_ctl for its life);
/// writing only after the first write that the kernel could not take whole.
class TcpStream final : public Stream {
 public:
  /// Takes over a non-blocking `fd`. `peer` is kept for peer().
  TcpStream(Loop& loop, int fd, const Address& peer);
  ~TcpStream() override;

  void set_handler(StreamHandler* handler) override { handler_ = handler; }
  IoResult read(std::span<char> into) override;
  IoResult write(std::span<const iovec> pieces) override { return send(pieces, 0); }
  IoResult write_last(std::span<const iovec> pieces) override;
  bool peer_ended() const override { return peer_ended_; }
  void shutdown_write() override;
  void reset_on_close() override;
  const Address& peer() const override { return peer_; }

  /// For dialling: calls on_writable when the connection is made or has failed.
  void watch_connect();
  /// The connection is made. A stream that is still watched for writing is told of each readable byte that it may
  /// write, too: one that has never been blocked is not watched.
  void connect_is_over();
  /// The pending error of the socket, 0 for none (and clears it).
  int take_error() const;

 private:
  IoResult send(std::span<const iovec> pieces, int flags);
  static void on_read_event(evutil_socket_t, short what, void* self) noexcept;
  static void on_write_event(evutil_socket_t, short what, void* self) noexcept;
  void watch_writing();

  Loop& loop_;
  int fd_;
  StreamHandler* handler_ = nullptr;
  event read_event_{};
  std::unique_ptr<event> write_event_;  // most connections never need it
  bool is_write_watched_ = false;
  bool write_blocked_ = false;
  bool peer_ended_ = false;
  Address peer_;
};

base::ErrorCode error_code_of(int system_error);

}  // namespace holdfast::net
