#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "http/head.h"
#include "net/stream.h"
#include "proxy/owned_head.h"
#include "proxy/retry.h"
#include "proxy/send_buffer.h"

namespace holdfast::proxy {

/// A request's content on its way to a backend, without framing.
struct Content {
  std::span<const char> bytes;
  bool is_last = false;            ///< The body is whole with it.
  std::string_view trailers = {};  ///< With is_last: complete "name: value\r\n" lines.
};

/// One request's conversation with a backend over a connection that is there. Takes heads and content, gives heads and
/// content: framing is the business of the backend's protocol. Never judges; lives on its worker's thread.
class BackendSide {
 public:
  struct HeadRead {
    enum class State : std::uint8_t {
      Blocked,  ///< No whole head yet.
      Interim,  ///< A 1xx response is in Scratch::response_head; the final one is still to come.
      Upgrade,  ///< A 101 is there: the connection is a tunnel now.
      Final,    ///< The final head is there; read_body() gives what follows.
      Failed,
    };
    State state = State::Blocked;
    base::ErrorCode error = base::ErrorCode::Closed;  ///< With Failed.
  };
  struct BodyRead {
    enum class State : std::uint8_t { More, Last, Blocked, Cut };
    State state = State::Blocked;
    std::span<const char> content{};                  ///< Inside the scratch buffer: good for this callback.
    base::ErrorCode error = base::ErrorCode::Closed;  ///< With Cut: the response will never be whole.
  };
  /// The backend's end of a tunnel.
  struct Upgraded {
    net::Stream& stream;
    SendBuffer& to_backend;
    std::span<const char> first;  ///< What came right behind the 101, inside the scratch buffer.
  };

  BackendSide() = default;
  BackendSide(const BackendSide&) = delete;
  BackendSide& operator=(const BackendSide&) = delete;
  virtual ~BackendSide() = default;

  virtual SendBuffer::Outcome send_head(const OwnedHead& head, const Content& first) = 0;
  virtual SendBuffer::Outcome send_body(const Content& piece) = 0;
  /// Sends what waits; to be called when there is room.
  virtual SendBuffer::Outcome flush() = 0;
  /// Some of what was sent waits until the backend takes it.
  virtual bool is_blocked() const = 0;
  /// Drops what waits: the backend takes no more of the request.
  virtual void stop_sending() = 0;

  virtual HeadRead read_head() = 0;
  /// Puts the final head and what follows it aside; the next read_head() gives it again.
  virtual void hold() = 0;
  virtual BodyRead read_body() = 0;
  /// Of a whole body.
  virtual std::string_view trailers() const = 0;
  virtual Upgraded upgrade() = 0;

  /// How far the request has come, `request_is_whole` when no more of it will be sent.
  virtual FailedAttempt::Stage stage(bool request_is_whole) const = 0;
  virtual base::Instant first_byte() const = 0;
};

}  // namespace holdfast::proxy
