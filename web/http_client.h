#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/scheduler.h"
#include "http/body.h"
#include "http/h1_parser.h"
#include "net/stream.h"

namespace holdfast::web {

/// What a response may make us hold.
struct HttpClientLimits {
  http::HeadLimits head{.bytes_max = 16u << 10, .fields_max = 128};
  std::size_t body_bytes_max = 64u << 10;  ///< More content is left unread, and the connection is not used again.
};

/// A small HTTP/1.1 client for requests of our own, such as probes: one server, one request at a time, on a connection
/// that is kept alive from request to request. It knows nothing of what is asked.
///
/// A kept connection that turns out to be closed before a byte of a response has come is replaced, within the same
/// request and the same deadline: the server may close idle connections as it likes. So a request may reach the server
/// twice; one that must not goes by Connect::Fresh. Between requests the client holds no buffer.
///
/// Owned by whoever asks, on their loop's thread; not destroyed from inside its handler (bury the owner). `scheduler`,
/// `dialer` and `handler` outlive it.
class HttpClient final : private net::StreamHandler {
 public:
  enum class Connect : std::uint8_t { Reuse, Fresh };

  struct Request {
    std::string_view bytes;                     ///< Head and body, ready to send; good until the handler is called.
    http::Method method = http::Method::Other;  ///< How the response is framed (RFC 9112 section 6.3).
    base::Duration timeout{};                   ///< For all of it: connecting, sending, the whole response...
    base::Instant since{};                      ///< ... from this moment on.
    Connect connect = Connect::Reuse;
  };

  /// What is wanted of a response's body.
  enum class Body : std::uint8_t {
    Keep,   ///< Its text.
    Skip,   ///< Only its end, so that the connection can be kept.
    Leave,  ///< Nothing: the response is over, and the connection closed.
  };

  /// Called once for each request: on_response() or on_failed(), never from inside send(). Both may send the next
  /// request or cancel().
  class Handler {
   public:
    Handler() = default;
    Handler(const Handler&) = delete;
    Handler& operator=(const Handler&) = delete;
    virtual ~Handler() = default;
    /// The head of the final response; 1xx were passed over. No function of the client is called from here.
    virtual Body on_head(const http::ResponseHead& head) = 0;
    /// `body` is empty unless it was to be kept; then its first body_bytes_max at most.
    virtual void on_response(std::uint16_t status, std::string_view body) = 0;
    /// Errors: those of a dial, Timeout, Closed, Reset, Malformed. `status` is that of a response that had begun, or 0.
    virtual void on_failed(const base::Error& error, std::uint16_t status) = 0;
  };

  HttpClient(const net::Address& address, base::Scheduler& scheduler, net::Dialer& dialer, Handler& handler,
             const HttpClientLimits& limits = {});
  ~HttpClient() override;

  /// No request may be under way.
  void send(const Request& request);
  /// Gives up the request under way, if any, and the connection. The handler is not called.
  void cancel();

 private:
  // Idle -> (Dialling ->) Head -> Body -> Idle      once for each request; a short response goes from Head to Idle
  enum class Phase : std::uint8_t { Idle, Dialling, Head, Body };
  /// What some more bytes have come to.
  struct Progress {
    enum class State : std::uint8_t { More, Whole, Cut, Bad };  ///< Cut: it is over, though its end was not read.
    State state = State::More;
    std::string_view why = {};  ///< With Bad.
  };

  void on_readable() override;
  void on_writable() override;

  void dial();
  void on_dialled(base::Result<std::unique_ptr<net::Stream>> result);
  void on_deadline();
  void start_exchange();
  void send_rest();
  Progress take(std::span<char> input);
  Progress take_head(std::span<char> input);
  Progress start_body(std::span<char> rest);
  Progress take_body(std::span<char> input);
  void on_end();
  void on_broken(base::ErrorCode code);
  bool redial_if_stale();
  void complete(Progress::State state, bool is_emptied);
  void fail(base::ErrorCode code, std::string text);
  void drop_stream();
  void forget_response();

  const net::Address address_;
  base::Scheduler& scheduler_;
  net::Dialer& dialer_;
  Handler& handler_;
  const HttpClientLimits limits_;
  std::unique_ptr<base::Timer> deadline_;
  std::unique_ptr<net::Dial> dial_;
  std::unique_ptr<net::Stream> stream_;
  Phase phase_ = Phase::Idle;
  bool is_reused_ = false;  // the request runs on a connection that was kept
  Request request_;
  std::size_t sent_ = 0;   // of its bytes
  bool may_keep_ = false;  // the response allows another request after it
  Body wanted_ = Body::Skip;
  std::string head_bytes_;    // until the head is whole
  std::size_t searched_ = 0;  // of head_bytes_
  std::uint16_t status_ = 0;
  http::BodyReader reader_;
  std::string body_;
};

}  // namespace holdfast::web
