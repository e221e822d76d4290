#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/scheduler.h"
#include "http/body.h"
#include "http/h1_parser.h"
#include "net/stream.h"
#include "web/message.h"

namespace holdfast::web {

/// What a client of the admin listener may make us hold, and for how long.
struct ConnectionLimits {
  std::size_t head_bytes_max = 16u << 10;
  std::size_t fields_max = 100;
  std::size_t body_bytes_max = 64u << 10;
  std::size_t connections_max = 256;
  std::size_t feed_backlog_max = 4u << 20;  ///< Of a response without end: what may wait for a slow client...
  base::Duration feed_patience = std::chrono::seconds{20};  ///< ... and how long it may take none of it.
  base::Duration request = std::chrono::seconds{10};   ///< From the first byte (or the connect) to the whole request.
  base::Duration idle = std::chrono::seconds{60};      ///< Between requests.
  base::Duration response = std::chrono::seconds{60};  ///< Until the client has taken the whole response.
  base::Duration linger = std::chrono::seconds{2};     ///< For the client to close after our last response.
};

/// One client of the admin listener: reads a request, gets a response for it, writes that, waits for the next.
///
/// One request a turn of the loop, whatever the client has sent ahead. Owned by Server, which destroys it after
/// on_done(); lives on the control loop's thread.
class Connection final : public base::Buried, private net::StreamHandler, private Pipe {
 public:
  class Owner {
   public:
    Owner() = default;
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;
    virtual ~Owner() = default;
    /// A complete request: the response comes by respond() of the connection, now or later, unless it is done before.
    virtual void on_request(Connection& connection, const Request& request) = 0;
    /// Comes once, last; the connection is to be buried.
    virtual void on_done(Connection& connection) = 0;
  };

  /// All references outlive it.
  Connection(Owner& owner, base::Scheduler& scheduler, std::unique_ptr<net::Stream> stream,
             const ConnectionLimits& limits);
  /// Looks for bytes that are already there. May report on_done().
  void start();
  /// The response to what on_request() brought. May report on_done().
  void respond(const Response& response) { send(response); }
  /// Ends it now; reports on_done().
  void close();
  /// Nothing is asked any more after what is being asked now. May report on_done().
  void leave();
  /// Waits for the first byte of a request, since `idle_since()`.
  bool is_idle() const { return state_ == State::Head && input_.empty(); }
  /// Has not sent a whole request yet.
  bool is_reading() const { return state_ == State::Head || state_ == State::Body; }
  base::Instant idle_since() const { return idle_since_; }

 private:
  // Head -> Body -> Asking -> Writing -> Head, or after the last response Lingering -> Done; a response without end:
  // Asking -> Feeding -> Done. Done may come from everywhere.
  enum class State : std::uint8_t { Head, Body, Asking, Writing, Feeding, Lingering, Done };
  enum class Progress : std::uint8_t { Made, NeedsBytes };

  void on_readable() override { proceed(); }
  void on_writable() override { flush(); }
  void on_deadline();
  void push(std::string_view bytes) override;
  bool is_clear() const override { return output_.empty(); }
  void end() override { close(); }

  void proceed();
  Progress take_head();
  Progress take_body();
  Progress fill();
  void accept_head(const http::RequestHead& head);
  void ask();
  void refuse(std::uint16_t status, std::string_view why);
  void send(const Response& response);
  void flush();
  void on_written();
  void swallow();

  Owner& owner_;
  base::Scheduler& scheduler_;
  const ConnectionLimits& limits_;
  std::unique_ptr<net::Stream> stream_;
  std::unique_ptr<base::Timer> deadline_;
  std::unique_ptr<base::Timer> resume_;  // the next request, in the next turn
  State state_ = State::Head;
  bool is_leaving_ = false;
  AfterResponse after_ = AfterResponse::KeepOpen;
  base::Instant idle_since_;
  std::string input_;         // not parsed yet; never much more than a head
  std::size_t searched_ = 0;  // how much of input_ the parser has seen in vain
  Request request_;
  http::BodyReader body_;
  std::string output_;
  std::size_t written_ = 0;     // of output_
  std::size_t swallowed_ = 0;   // while Lingering
  std::shared_ptr<Feed> feed_;  // while Feeding
};

}  // namespace holdfast::web
