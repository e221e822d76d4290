#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "http/head.h"
#include "net/stream.h"
#include "proxy/backend_pool.h"
#include "proxy/forward_headers.h"
#include "proxy/send_buffer.h"
#include "sessions/cookie.h"

namespace holdfast::proxy {

/// What every request of a client connection knows about it, whatever protocol the client speaks.
struct ClientFacts {
  /// What the head of a request needs to know; the fields of a single request are empty.
  ForwardContext forward_context() const {
    return {.peer = peer_text,
            .peer_bytes = peer_bytes,
            .trust = trust,
            .trusted_proxies = trusted_proxies,
            .listener_port = listener_port};
  }

  std::string peer_text;
  AddressBytes peer_bytes{};
  std::span<const conf::Cidr> trusted_proxies;  ///< Of its listener, as of now.
  std::uint16_t listener_port = 0;
  Trust trust = Trust::Stranger;
  Lease pinned;  ///< A backend connection that carried NTLM or Negotiate: logged in as this user.
  sessions::LastCookie last_cookie;
};

/// Content of a request, without framing.
struct RequestPiece {
  enum class State : std::uint8_t {
    More,     ///< `content` came, and the body goes on.
    Last,     ///< The body is whole with `content`, which may be empty.
    Blocked,  ///< Nothing came.
    Bad,      ///< The framing is broken.
    Gone,     ///< The client left in the middle of its request.
  };
  State state = State::Blocked;
  std::span<char> content{};  ///< Inside the scratch buffer: good for this callback.
};

/// What the proxy adds to the head of a backend's response.
struct OurFields {
  std::string_view set_cookie_line = {};  ///< Made by append_ticket_cookie. Empty: none.
  std::string_view own_cookie = {};       ///< Its name: an app that sets it would break its own stickiness.
};

/// One request's way back to its client. The exchange hands over heads and content and never writes wire text: framing
/// is the business of the client's protocol. Owned by the client connection; lives on its worker's thread.
class ClientSide {
 public:
  enum class More : std::uint8_t { Yes, No };
  enum class Sent : std::uint8_t { All, Some, Failed };
  /// How a response ended. Cut: the client must not take what it has for the whole response.
  enum class End : std::uint8_t { Whole, Cut };
  /// Both ways of a connection that carries another protocol from now on.
  struct Upgraded {
    net::Stream& stream;
    SendBuffer& to_client;
    std::string first;  ///< What the client sent right behind its request.
  };

  explicit ClientSide(ClientFacts& facts) : facts_(facts) {}
  ClientSide(const ClientSide&) = delete;
  ClientSide& operator=(const ClientSide&) = delete;
  virtual ~ClientSide() = default;

  ClientFacts& facts() { return facts_; }

  /// Reads some of the request's content.
  virtual RequestPiece read_body() = 0;
  /// Of a whole body: complete "name: value\r\n" lines.
  virtual std::string_view trailers() const = 0;
  /// The client has gone while nobody read from it. Takes note of what it has sent meanwhile.
  virtual bool has_left() = 0;

  /// Sends a 1xx response. False: the client is gone.
  virtual bool interim(const http::ResponseHead& head) = 0;
  /// Prepares the head of the final response; it leaves with the first send(), which follows in the same callback.
  virtual void begin(const http::ResponseHead& head, const OurFields& ours) = 0;
  /// Sends content. More::No ends the response, with `trailers`. False: the client is gone.
  virtual bool send(std::span<const char> content, More more, std::string_view trailers = {}) = 0;
  /// This response is the last of its connection, where the protocol can say so.
  virtual void close_after() = 0;
  /// Some of what was sent waits until the client takes it.
  virtual bool is_blocked() const = 0;
  /// Sends what waits; to be called when there is room.
  virtual Sent flush() = 0;
  /// After a 101 was sent.
  virtual Upgraded upgrade() = 0;
  /// The exchange is over, and is the client side's again.
  virtual void end(End how) = 0;
  /// Goes on with the client's next requests. Every outside event that may have ended an exchange ends with this.
  virtual void resume() = 0;

 private:
  ClientFacts& facts_;  // the connection's
};

}  // namespace holdfast::proxy
