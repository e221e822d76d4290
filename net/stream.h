#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <span>

#include "base/result.h"
#include "base/scheduler.h"
#include "net/address.h"

namespace holdfast::net {

/// What one read or write came to.
struct IoResult {
  enum class State : std::uint8_t {
    Ok,       ///< `bytes` moved, more may go at once.
    Blocked,  ///< `bytes` moved (perhaps 0); the handler is called when more may go.
    Closed,   ///< Reading only: the peer ended its side (after `bytes`, which is 0).
    Failed,   ///< The connection is broken; `error` says how.
  };
  State state = State::Ok;
  std::size_t bytes = 0;
  base::ErrorCode error = base::ErrorCode::Io;
};

/// Whoever drives a stream. Events are edges: on_readable comes once per arrival, so read until Blocked, or remember
/// that there may be more. A read that came back with less than it had room for has emptied the socket, unless
/// peer_ended(); but a reset that arrived together with the last bytes shows only in the next read, so whoever still
/// needs bytes reads until Blocked. A stream may be buried inside its handler; no further event comes then.
class StreamHandler {
 public:
  StreamHandler() = default;
  StreamHandler(const StreamHandler&) = delete;
  StreamHandler& operator=(const StreamHandler&) = delete;
  virtual ~StreamHandler() = default;
  /// Bytes, the peer's end, or an error are there to be read (or were, before an earlier read took them).
  virtual void on_readable() = 0;
  /// Room to write after a write came to Blocked.
  virtual void on_writable() = 0;
};

/// A connected byte stream (TCP now, TLS later). One owner; destroying it closes the connection.
class Stream : public base::Buried {
 public:
  /// The handler outlives the stream or is replaced first; nullptr: events are dropped (and must be read for later).
  virtual void set_handler(StreamHandler* handler) = 0;
  virtual IoResult read(std::span<char> into) = 0;
  virtual IoResult write(std::span<const iovec> pieces) = 0;
  /// As write(), by one who ends our side or destroys the stream in this turn of the loop: the last bytes and the end
  /// may travel together.
  virtual IoResult write_last(std::span<const iovec> pieces) { return write(pieces); }
  /// The peer has ended its side or the connection broke; bytes may still be waiting in front of that.
  virtual bool peer_ended() const = 0;
  /// Ends our side after what was written; reading goes on.
  virtual void shutdown_write() = 0;
  /// Makes the destructor send RST instead of FIN: the peer must know that what it got is not complete.
  virtual void reset_on_close() = 0;
  virtual const Address& peer() const = 0;
};

/// A connect under way. Destroying it cancels: the callback never comes.
class Dial : public base::Buried {};

/// Opens connections. Lives on its loop's thread.
class Dialer {
 public:
  Dialer() = default;
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;
  virtual ~Dialer() = default;
  /// `done` is called exactly once, never from inside dial(), unless the handle is destroyed first.
  /// Errors: Refused, Unreachable, Timeout (after `timeout`), Io.
  virtual std::unique_ptr<Dial> dial(const Address& address, base::Duration timeout,
                                     std::function<void(base::Result<std::unique_ptr<Stream>>)> done) = 0;
};

}  // namespace holdfast::net
