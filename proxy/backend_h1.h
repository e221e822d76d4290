#pragma once

#include <span>
#include <string>

#include "http/body.h"
#include "http/h1_parser.h"
#include "proxy/backend_pool.h"
#include "proxy/backend_side.h"
#include "proxy/context.h"
#include "proxy/h1_pieces.h"

namespace holdfast::proxy {

/// HTTP/1 to a backend, over a connection lent by the pool. A value inside its attempt, used for one connection after
/// the other.
class BackendH1 final : public BackendSide {
 public:
  /// What must be known of a request to send it and to read its response.
  struct Request {
    http::Method method = http::Method::Other;
    H1Pieces::Framing framing = H1Pieces::Framing::Plain;
    http::HeadLimits limits{};  ///< Of the response.
  };

  explicit BackendH1(Context& context) : context_(context), send_buffer_(context.buffers) {}

  /// The request that is sent next, on whatever connection.
  void prepare(const Request& request) { request_ = request; }
  /// The connection is there; `handler` hears of its events from now on.
  void start(Lease&& lease, net::StreamHandler& handler) {
    lease_ = std::move(lease);
    lease_->stream().set_handler(&handler);
    sent_bytes_ = 0;
  }
  bool is_connected() const { return static_cast<bool>(lease_); }
  bool is_reused() const { return lease_->is_reused(); }
  /// The response came whole, nothing lies behind it, and the backend keeps the connection open.
  bool is_reusable();
  void spoil() { may_be_kept_ = false; }
  /// Gives the connection to the pool, or to the caller.
  void keep() { lease_.keep(); }
  Lease take_lease();
  /// Closes the connection and forgets what came by it.
  void drop() {
    lease_.drop();
    send_buffer_.clear();
    context_.buffers.take_back(input_);
    searched_ = 0;
    fresh_ = {};
  }
  /// Forgets the last request, whose connection is gone already.
  void reset() {
    has_begun_ = body_has_begun_ = may_be_kept_ = false;
    sent_bytes_ = 0;
    first_byte_ = {};
  }

  SendBuffer::Outcome send_head(const OwnedHead& head, const Content& first) override;
  SendBuffer::Outcome send_body(const Content& piece) override;
  SendBuffer::Outcome flush() override;
  bool is_blocked() const override { return !send_buffer_.is_empty(); }
  void stop_sending() override { send_buffer_.clear(); }
  HeadRead read_head() override;
  void hold() override;
  BodyRead read_body() override;
  std::string_view trailers() const override { return body_.trailers(); }
  Upgraded upgrade() override;
  FailedAttempt::Stage stage(bool request_is_whole) const override;
  base::Instant first_byte() const override { return first_byte_; }
  /// A byte of the request was given to the system to send.
  bool has_sent() const { return sent_bytes_ != 0; }

 private:
  SendBuffer::Outcome send(const H1Pieces& pieces);
  bool parse(HeadRead& out);
  net::IoResult read_behind_fresh();
  void set_aside();
  BodyRead take(std::span<char> bytes);

  Context& context_;
  Lease lease_;
  SendBuffer send_buffer_;
  Request request_;
  std::uint64_t sent_bytes_ = 0;

  std::string input_;            // bytes of a response that wait for more, or are held
  std::span<char> fresh_;        // what came and is not taken yet, in the scratch buffer: within one callback only
  std::size_t searched_ = 0;     // of fresh_ or input_: what the parser has seen
  std::size_t head_bytes_ = 0;   // of the final head, which lies before fresh_
  bool has_begun_ = false;       // a byte of the response has come
  bool body_has_begun_ = false;  // what came with the head was taken
  bool may_be_kept_ = false;
  bool has_filled_ = false;  // the last read took all there was room for
  http::BodyReader body_;
  base::Instant first_byte_{};
};

/// What came on a connection while nobody asked is nobody's response.
bool has_stray_bytes(net::Stream& stream);

}  // namespace holdfast::proxy
