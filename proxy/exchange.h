#pragma once

#include <memory>
#include <string>

#include "http/body.h"
#include "proxy/client_side.h"
#include "proxy/context.h"
#include "proxy/dispatch.h"
#include "proxy/error_page.h"
#include "proxy/request.h"
#include "proxy/tunnel.h"

namespace holdfast::proxy {

/// One request and its response: admits it, has it dispatched, and moves the bytes between the two sides. Owned by its
/// client connection; recycled, so that a request allocates nothing. Lives on its worker's thread.
///
/// The parts: exchange.cpp (its life), exchange_relay.cpp (bytes both ways).
class Exchange final : public base::Buried, private DispatchOwner, private net::StreamHandler {
 public:
  explicit Exchange(Context& context);
  ~Exchange() override;

  /// `head` and the content of `first`, which came with it, are views into the scratch buffer, good for this call.
  void start(ClientSide& client, const http::RequestHead& head, const RequestPiece& first);

  // From the client. Each may end the exchange.
  void on_client_readable();
  void on_client_writable();
  /// The connection is closed for a reason that is not ours; the exchange is over and reports nothing.
  void on_client_closed();
  void on_view();

  /// Room for the client's side, which reads the request's body with it: an idle connection has none.
  http::BodyReader& client_body() { return client_body_; }

  /// Of one that is spare, after a reload: lets go of what a request may still need, where that is not of now.
  void forget_old_snapshot();

 private:
  struct ResponseState {
    std::uint16_t status = 0;
    std::uint64_t bytes = 0;  ///< Of content, to the client.
    int interims = 0;
    bool has_begun = false;  ///< The client has got a head.
    bool is_read = false;    ///< All of it came.
  };

  // Events: each ends with resume().
  void on_connected() override;
  void reply_error(int status, const ErrorDetails& details) override;
  void on_hung_response() override { on_response_cut(base::ErrorCode::Timeout); }
  void on_published() override;
  void on_readable() override;
  void on_writable() override;
  void on_due();
  void on_awaited_too_long();
  void on_turn();

  bool admit(const http::RequestHead& head, ForwardContext& forward, const Origin& origin);
  void reply_here(const http::RequestHead& head, const Routed& found);
  void reply(std::string_view body);
  void finish(ClientSide::End how);
  void on_client_gone();
  void leave_backend();
  void close();
  void write_access_line();
  void extend_deadline(base::Duration by);

  // Bytes both ways (exchange_relay.cpp).
  void relay_request();
  void read_response();
  bool pass_interim();
  void on_response_head();
  void begin_response();
  void append_ticket(std::string& line);
  void send_response_head();
  void relay_response();
  bool pass_on(const BackendSide::BodyRead& got);
  void on_response_read();
  void finish_if_sent();
  void on_response_cut(base::ErrorCode code);
  void begin_tunnel();
  void run_tunnel(Tunnel::Outcome outcome);
  void note_long();
  void end_long();

  Context& context_;
  Request request_;
  Dispatch dispatch_;
  ResponseState response_;
  Tunnel tunnel_;
  http::BodyReader client_body_;
  std::unique_ptr<base::Timer> more_;  // to go on in the next turn, for the sake of the others
};

}  // namespace holdfast::proxy
