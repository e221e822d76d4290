#pragma once

#include <memory>
#include <span>
#include <string>

#include "proxy/client_connection.h"
#include "proxy/client_side.h"
#include "proxy/context.h"
#include "proxy/response_headers.h"

namespace holdfast::proxy {

class Exchange;

/// One client connection that speaks HTTP/1: reads request heads, runs one exchange at a time, keeps pipelined requests
/// in order, frames responses, and decides when the connection ends. Owned by the Proxy; lives on its worker's thread.
class ClientH1 final : public ClientConnection, private ClientSide, private net::StreamHandler {
 public:
  ClientH1(Context& context, ClientOwner& owner, std::unique_ptr<net::Stream> stream, std::size_t listen);
  ~ClientH1() override;

  void start() override { resume(); }
  bool is_idle() const override {
    return state_ == State::Open && !exchange_ && input_.empty() && send_buffer_.is_empty();
  }
  base::Instant idle_since() const override { return times_.idle_since; }
  void close() override;
  bool close_if_idle() override;
  void on_view() override;
  void drain() override;
  bool is_leaving() const override { return is_leaving_ || context_.is_draining; }
  void on_snapshot(std::optional<std::size_t> listen) override;
  std::size_t listen() const override { return listen_; }

 private:
  enum class State : std::uint8_t { Open, Lingering, Closed };
  /// Of the request under way.
  struct RequestState {
    std::uint8_t minor = 1;
    bool keeps_alive = false;     ///< The client wants that.
    bool head_is_staged = false;  ///< Scratch::text has the response's head, which goes out with what comes next.
    ResponsePlan plan{};
  };
  struct Times {
    base::Instant idle_since{};
    base::Instant head_since{};  ///< When the first byte of a head that is not whole came.
    base::Instant linger_until{};
  };

  // For its exchange.
  RequestPiece read_body() override;
  std::string_view trailers() const override;
  bool has_left() override;
  bool interim(const http::ResponseHead& head) override;
  void begin(const http::ResponseHead& head, const OurFields& ours) override;
  bool send(std::span<const char> content, More more, std::string_view trailers) override;
  void close_after() override { request_.plan.after = After::Close; }
  bool is_blocked() const override { return !send_buffer_.is_empty(); }
  Sent flush() override;
  Upgraded upgrade() override;
  void end(End how) override;
  void resume() override;

  void on_readable() override;
  void on_writable() override;
  void on_due();
  void go_on_next_turn();
  void read_heads();
  bool parse_head(std::size_t have);
  void begin_exchange(std::size_t consumed, std::size_t have);
  RequestPiece take_body(std::span<char> bytes);
  net::IoResult read(std::span<char> into);
  void keep_leftover(std::span<const char> bytes);
  bool notice_bytes();
  void refuse(int status);
  void await_more();
  void close_when_sent();
  void linger();
  void discard_input();

  Context& context_;
  ClientOwner& owner_;
  std::unique_ptr<net::Stream> stream_;
  SendBuffer send_buffer_;
  ClientFacts facts_;
  std::unique_ptr<Exchange> exchange_;
  RequestState request_;
  std::unique_ptr<base::Timer> timer_;
  std::unique_ptr<base::Timer> turn_;  // to go on in the next turn, for the sake of the others; made when needed
  std::string input_;                  // what has come of the next request(s), while the head is not whole
  std::size_t searched_ = 0;           // of input_: what the parser has seen
  Times times_;
  std::uint32_t listen_ = 0;  // in Settings::listens, as of now
  State state_ = State::Open;
  bool has_unread_ = true;  // reading may give something; otherwise wait for the next edge
  bool is_leaving_ = false;
};

}  // namespace holdfast::proxy
