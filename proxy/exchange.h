#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>

#include "conf/bounds.h"
#include "http/body.h"
#include "proxy/client.h"
#include "proxy/context.h"
#include "proxy/error_page.h"
#include "proxy/exchange_state.h"
#include "proxy/placement.h"
#include "proxy/response_headers.h"
#include "proxy/retry.h"
#include "proxy/tunnel.h"

namespace holdfast::proxy {

/// One request and its response: chooses a backend, sends the request there, relays the response, and is the only judge
/// of attempts that fail. Owned by its Client; recycled by the Context, so that a request allocates nothing. Lives on
/// its worker's thread. What it holds of a request (head, body not yet sent) is what a retry needs.
///
/// The parts, a file each: exchange.cpp (life and judgement), exchange_choosing.cpp, exchange_request.cpp (towards the
/// backend), exchange_response.cpp (towards the client), exchange_hung.cpp, exchange_quarantine.cpp.
class Exchange final : public base::Buried, private net::StreamHandler, private sessions::StoreHandler {
 public:
  explicit Exchange(Context& context);
  ~Exchange() override;

  /// `head` and `rest` (what came behind the head) are views into the scratch buffer, good for this call.
  void start(Client& client, const http::RequestHead& head, std::span<char> rest);

  // From the client. Each may end the exchange.
  void on_client_readable();
  void on_client_writable();
  /// The connection is closed for a reason that is not ours; the exchange is over and reports nothing.
  void on_client_closed();

  /// Of one that is spare, after a reload: lets go of what a request may still need, where that is not of now.
  void forget_old_snapshot();

  void on_view();
  void on_granted(conf::BackendId backend);
  /// Of those that wait for a verdict only.
  void on_quarantine_view();

 private:
  // Events of the backend's stream, of the timer, of the dial: each ends with client.resume().
  void on_readable() override;
  void on_writable() override;
  void on_dialled(base::Result<std::unique_ptr<net::Stream>> made);
  void on_due();
  void on_more();
  void on_hung_due();
  void on_binding(const sessions::BindResult& holds) override;
  void on_admission(sessions::Admission admission) override;
  void on_ended() override;

  // Life (exchange.cpp).
  void reset();
  void enter(Event event);
  bool admit(const http::RequestHead& head, ForwardContext& forward, const Origin& origin);
  void redirect(const http::RequestHead& head);
  void reply(Client::Next next);
  void place(const http::RequestHead& head, const ForwardContext& forward, const Origin& origin);
  void on_placed(std::optional<conf::BackendId> backend);
  void note_move(conf::BackendId from);
  void go_to(conf::BackendId backend);
  void on_no_room(const base::Error& error);
  std::optional<conf::BackendId> reserve_elsewhere() const;
  void leave_reserved();
  void connect();
  bool has_stray_bytes();
  void dial();
  void on_attempt_failed(const base::Error& error);
  void on_attempt_succeeded();
  void note_rescue();
  void note_failure(base::ErrorCode code);
  void place_elsewhere(const base::Error& error);
  void give_up(const base::Error& error);
  void act(Decision decision, base::ErrorCode code);
  void reply_error(int status, const ErrorDetails& details = {});
  void finish(Client::Next next);
  void on_hung();
  void leave_hung();
  void leave_backend();
  void give_back();
  void write_access_line();
  void look_anew();
  bool is_current() const;
  bool is_to_end() const;
  const Snapshot& known() const { return newer_ ? *newer_ : *snapshot_; }
  Placement::Tools tools();
  const conf::Pool& pool() const { return *pool_; }
  void extend_deadline(base::Duration by);
  void keep_session_alive();

  // Requests that kill their backend (exchange_quarantine.cpp).
  bool has_quarantine() const;
  ClientTag client_tag_of(const Identity& who) const;
  ClientTag client_tag() const;
  Fingerprint fingerprint() const;
  bool refuse_if_quarantined();
  void note_answered();
  bool is_loss(base::ErrorCode code) const;
  void report_lost();
  bool has_lost_too_many() const;
  bool must_await_verdict() const;
  void await_verdict(Decision decision, base::ErrorCode code);
  bool is_judged() const;
  void on_verdict();

  // Towards the backend (exchange_request.cpp).
  void on_connected();
  void send_request();
  void relay_request_body();
  bool take_request_bytes(std::span<char> bytes);
  bool send_body_piece(std::span<const char> data);
  void on_request_sent();
  void on_request_broken();
  base::Duration response_timeout() const;

  // Towards the client (exchange_response.cpp).
  void read_response();
  void read_response_head();
  bool take_response_head(std::size_t have);
  bool send_interim(const http::ResponseHead& head);
  void on_response_head(std::span<char> whole, std::size_t head_bytes);
  void send_response_head(std::span<char> rest);
  void hold_response(std::span<const char> whole);
  void learn_from(const http::ResponseHead& head);
  void begin_tunnel(std::span<char> rest);
  void note_long();
  void end_long();
  void relay_response_body();
  bool take_response_bytes(std::span<char> bytes, std::string_view head);
  bool send_to_client(std::span<const iovec> pieces, SendBuffer::Then then = SendBuffer::Then::More);
  void on_response_read();
  bool is_quiet();
  void on_response_cut(const base::Error& error);
  void finish_if_sent();
  void run_tunnel(Tunnel::Outcome outcome);

  Context& context_;
  Client* client_ = nullptr;
  std::shared_ptr<const Snapshot> snapshot_;  // pinned: a reload never changes a request under way
  std::shared_ptr<const Snapshot> newer_;     // but a request that has to go elsewhere chooses by what is now
  const conf::Route* route_ = nullptr;
  const conf::Pool* pool_ = nullptr;  // of a route that forwards; as in known()
  State state_ = State::Done;

  // The request.
  std::string request_head_;      // as sent to every backend tried; the log and error pages read it, too
  TextRange request_id_;          // within it
  std::size_t line_bytes_ = 0;    // of it: method and path
  bool awaits_continue_ = false;  // the client sends its body only when it is told to
  std::string origin_;            // the client's address, when a trusted peer named another than its own
  http::Method method_ = http::Method::Other;
  std::uint8_t client_minor_ = 1;
  bool client_keeps_alive_ = false;
  bool may_upgrade_ = false;
  bool is_secure_ = false;  // the client came by TLS, as far as we know
  bool is_pinned_ = false;  // the connection carries NTLM or Negotiate: it stays with this client
  http::BodyReader request_body_;
  bool request_is_chunked_ = false;
  bool request_is_broken_ = false;  // the backend takes no more of it; its response may still come
  std::uint64_t body_max_ = 0;
  std::uint64_t body_length_ = 0;  // as announced, or Fingerprint::kChunked
  BodyFingerprint body_fingerprint_;
  std::string held_body_;       // content read before there was a connection to send it to
  std::span<char> fresh_body_;  // the same, still in the scratch buffer: during start() only

  // Where it goes.
  Placement placement_;
  std::optional<conf::BackendId> backend_;
  bool is_counted_ = false;  // in the backend's load
  bool is_long_ = false;     // a tunnel or an event stream, counted as such
  bool holds_slot_ = false;  // counts against the backend's max_requests
  TicketId ticket_{};        // waits for one
  std::array<conf::BackendId, conf::kRetryAttemptsMax> tried_{};
  std::size_t tried_count_ = 0;
  std::uint32_t attempts_ = 0;
  bool has_redialled_ = false;
  base::ErrorCode failure_ = base::ErrorCode::Unavailable;  // of the last attempt
  bool is_move_noted_ = false;
  bool is_hung_ = false;                         // its backend was judged hung
  bool has_overflowed_ = false;                  // its backend had no room in time
  std::optional<conf::BackendId> reserved_;      // whose limit it counts against already
  bool is_released_ = false;                     // it leaves that one, this very moment
  std::optional<conf::BackendId> failed_from_;   // the backend whose failure this request has met last
  ClientTag client_tag_ = ClientTag::Everybody;  // Everybody: not asked for yet
  AddressBytes address_{};                       // the client's own, as far as we trust who names it
  std::uint32_t losses_ = 0;                     // backends whose connection was lost with the request in flight
  base::Instant lost_at_{};                      // the one it is at
  bool is_kind_known_ = true;                    // its like has been answered before: looked at when it was lost
  bool awaits_verdict_ = false;
  Decision decision_ = Decision::GiveUp;  // what becomes of it then
  std::unique_ptr<net::Dial> dial_;
  Lease lease_;
  SendBuffer to_backend_;
  std::uint64_t sent_bytes_ = 0;  // of this attempt

  // The response.
  std::string response_input_;  // of a head that is not whole
  std::size_t response_searched_ = 0;
  bool response_began_ = false;  // a byte of it has come
  int interims_ = 0;             // 1xx responses so far
  bool is_held_ = false;         // its head waits in response_input_ until what it ended is ended everywhere
  bool head_sent_ = false;       // to the client
  http::BodyReader response_body_;
  ResponsePlan plan_;
  bool response_is_read_ = false;
  bool backend_may_be_kept_ = false;
  bool has_filled_ = false;  // the last read from the backend took all there was room for
  Tunnel tunnel_;

  // What the log will say.
  std::uint16_t status_ = 0;
  std::uint64_t bytes_to_client_ = 0;
  base::Instant started_{};
  base::Instant chosen_{};
  base::Instant connected_{};
  base::Instant first_byte_{};
  base::Instant kept_alive_{};  // the session, last
  base::Instant moved_{};       // when something last did

  std::unique_ptr<base::Timer> timer_;
  std::unique_ptr<base::Timer> more_;  // to go on in the next turn, for the sake of the others
  std::unique_ptr<base::Timer> hung_;  // to look once more at a backend judged hung; made when needed
};

}  // namespace holdfast::proxy
