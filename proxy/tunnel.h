#pragma once

#include "net/stream.h"
#include "proxy/context.h"
#include "proxy/send_buffer.h"

namespace holdfast::proxy {

/// Bytes both ways after a 101: no parsing, back-pressure by a send buffer each way, a half-closed side passed on. A
/// value inside its exchange, which tells it of events and ends it.
class Tunnel {
 public:
  enum class Outcome : std::uint8_t { Goes, Ended, Broken, BackendBroken };

  struct Side {
    net::Stream* stream = nullptr;
    SendBuffer* send_buffer = nullptr;  ///< Of bytes to this side.
    bool ended = false;                 ///< This side has sent its last byte.
    bool broken = false;                ///< Reading from it failed.
    bool told = false;                  ///< It has been told that the other side has.
    std::uint64_t bytes = 0;            ///< From this side.
  };

  explicit Tunnel(Context& context) : context_(context) {}
  void start(net::Stream& client, SendBuffer& to_client, net::Stream& backend, SendBuffer& to_backend);
  /// Moves what can be moved, both ways.
  Outcome pump();
  /// After room to write.
  Outcome flush();
  std::uint64_t bytes_to_client() const { return backend_.bytes; }
  std::uint64_t bytes_to_backend() const { return client_.bytes; }
  /// True when pump() stopped for the sake of others: call it again on the next turn.
  bool wants_more() const { return wants_more_; }

 private:
  bool pump_one(Side& from, Side& to);

  Context& context_;
  Side client_;
  Side backend_;
  bool wants_more_ = false;
};

}  // namespace holdfast::proxy
