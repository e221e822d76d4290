#pragma once

#include <memory>
#include <span>
#include <string>

#include "proxy/context.h"
#include "proxy/forward_headers.h"
#include "proxy/send_buffer.h"
#include "sessions/cookie.h"

namespace holdfast::proxy {

class Client;

/// Whoever owns the clients.
class ClientOwner {
 public:
  ClientOwner() = default;
  ClientOwner(const ClientOwner&) = delete;
  ClientOwner& operator=(const ClientOwner&) = delete;
  virtual ~ClientOwner() = default;
  /// The connection is over: bury the client.
  virtual void on_client_closed(Client& client) = 0;
};

/// One client connection: reads request heads, runs one exchange at a time, keeps pipelined requests in order, and
/// decides when the connection ends. Owned by the Proxy; lives on its worker's thread.
class Client final : public base::Buried, private net::StreamHandler {
 public:
  /// What becomes of the connection after an exchange.
  enum class Next : std::uint8_t {
    KeepAlive,  ///< Wait for the next request.
    Close,      ///< Everything was read and written: close.
    Linger,     ///< The client may still be sending: end our side, read on for a moment, then close (RFC 9112 9.6).
    Abort,      ///< Close now: what was sent is not whole, or the client has gone.
    Reset,      ///< The same, by RST: where a plain end would look like the end of the response.
  };

  Client(Context& context, ClientOwner& owner, std::unique_ptr<net::Stream> stream, std::size_t listen);
  ~Client() override;

  /// First read: the bytes are often there already.
  void start() { resume(); }
  /// Waiting for a request, with nothing of it received: may be closed without harm.
  bool is_idle() const { return state_ == State::Open && !exchange_ && head_.empty() && send_buffer_.is_empty(); }
  base::Instant idle_since() const { return idle_since_; }
  void close();
  /// A backend was judged down: its tunnels end, so that their clients reconnect.
  void on_view();
  /// No further request after the one under way; what has come already is one under way.
  void drain();
  /// The proxy drains, or the listener it came by is gone.
  bool is_leaving() const { return is_leaving_ || context_.is_draining; }
  /// The next response says that it is the last. Unless is_leaving(), one more request is served all the same when an
  /// answer on its way has promised to.
  bool ends_after_response() const { return is_leaving() || context_.is_leaving; }
  /// A reload: the listener it came by has number `listen` now, or is gone.
  void on_snapshot(std::optional<std::size_t> listen);
  std::size_t listen() const { return listen_; }
  /// Closes if is_idle(), after a look at what has come.
  bool close_if_idle();

  // For its exchange:
  net::Stream& stream() { return *stream_; }
  SendBuffer& send_buffer() { return send_buffer_; }
  /// What its requests' heads need to know of it; what is a request's own is empty.
  ForwardContext forward_context() const {
    return {.peer = peer_text_,
            .peer_bytes = peer_bytes_,
            .trust = trust_,
            .trusted_proxies = trusted_proxies_,
            .listener_port = listener_port_};
  }
  std::string_view peer_text() const { return peer_text_; }
  Lease& pinned() { return pinned_; }
  sessions::LastCookie& last_cookie() { return last_cookie_; }
  /// True: reading may give something. False: wait for the next edge.
  bool has_unread() const { return has_unread_; }
  net::IoResult read(std::span<char> into);
  /// Bytes behind the request's end: the next requests of the pipeline.
  void keep_leftover(std::span<const char> bytes);
  /// Takes what was kept behind the head (a tunnel's first bytes).
  std::string take_leftover();
  /// While an exchange waits: takes pipelined bytes up to a bound. False when the client has gone.
  bool notice_bytes();
  void on_exchange_done(Next next);
  /// Goes on with pipelined requests; each outside event that may have ended an exchange ends with this.
  void resume();

  std::uint32_t place = 0;  ///< In the owner's list; the owner's business.

 private:
  enum class State : std::uint8_t { Open, Lingering, Closed };

  void on_readable() override;
  void on_writable() override;
  void on_due();
  void on_turn();
  void go_on_next_turn();
  bool wants_next() const;
  void read_heads();
  bool parse_head(std::size_t have);
  void begin(std::size_t consumed, std::size_t have);
  void refuse(int status);
  void write_access_line(int status);
  void await_more();
  void close_when_sent();
  void linger();
  void discard_input();

  Context& context_;
  ClientOwner& owner_;
  std::unique_ptr<net::Stream> stream_;
  SendBuffer send_buffer_;
  std::unique_ptr<Exchange> exchange_;
  Lease pinned_;  // a backend connection that carried NTLM or Negotiate: logged in as this user
  std::unique_ptr<base::Timer> timer_;
  std::unique_ptr<base::Timer> turn_;  // to go on in the next turn, for the sake of the others; made when needed
  std::string head_;                   // what has come of the next request(s), while it is not whole
  std::size_t searched_ = 0;           // of head_: what the parser has seen
  base::Instant idle_since_{};
  base::Instant head_since_{};  // when the first byte of a head that is not whole came
  base::Instant linger_until_{};
  std::string peer_text_;
  AddressBytes peer_bytes_{};
  std::span<const conf::Cidr> trusted_proxies_;  // of its listener, as of now
  sessions::LastCookie last_cookie_;
  std::uint32_t listen_ = 0;  // in Settings::listens, as of now
  std::uint16_t listener_port_ = 0;
  Trust trust_ = Trust::Stranger;
  State state_ = State::Open;
  bool has_unread_ = true;
  bool is_leaving_ = false;
};

}  // namespace holdfast::proxy
