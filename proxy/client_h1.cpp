#include "proxy/client_h1.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "http/h1_parser.h"
#include "proxy/access_line.h"
#include "proxy/error_page.h"
#include "proxy/exchange.h"
#include "proxy/exchange_pool.h"
#include "proxy/h1_pieces.h"

namespace holdfast::proxy {

namespace {

// Pipelined bytes taken while an exchange is under way; more stays in the kernel.
constexpr std::size_t kPipelinedMax = 16u << 10;
// How long a client whose input we do not want may take to notice that we have closed: in all, and while nothing comes.
constexpr base::Duration kLingerMax = std::chrono::seconds{30};
constexpr base::Duration kLingerIdle = std::chrono::seconds{2};
// Of a pipeline, in one turn of the loop.
constexpr int kRequestsPerTurn = 16;
constexpr int kDiscardsPerTurn = 16;

}  // namespace

ClientH1::ClientH1(Context& context, ClientOwner& owner, std::unique_ptr<net::Stream> stream, std::size_t listen)
    : ClientSide(facts_),
      context_(context),
      owner_(owner),
      stream_(std::move(stream)),
      send_buffer_(context.buffers),
      timer_(context.scheduler.timer([this] { on_due(); })) {
  times_.idle_since = context.now();
  facts_.peer_text = stream_->peer().host_text();
  facts_.peer_bytes = stream_->peer().bytes();
  on_snapshot(listen);
  stream_->set_handler(this);
}

void ClientH1::on_snapshot(std::optional<std::size_t> listen) {
  facts_.trusted_proxies = {};  // of settings that will not be there for ever
  if (!listen) {
    is_leaving_ = true;
    return drain();
  }
  const conf::Listen& listener = context_.settings().listens[*listen];
  listen_ = static_cast<std::uint32_t>(*listen);
  facts_.trust = trust_of(listener.trusted_proxies, facts_.peer_bytes);
  facts_.trusted_proxies = listener.trusted_proxies;
  facts_.listener_port = listener.address.port;
}

ClientH1::~ClientH1() { context_.buffers.take_back(input_); }

void ClientH1::on_readable() {
  has_unread_ = true;
  if (state_ == State::Lingering) return discard_input();
  if (exchange_) exchange_->on_client_readable();
  resume();
}

void ClientH1::on_writable() {
  if (exchange_) {
    exchange_->on_client_writable();
  } else if (!send_buffer_.is_empty()) {
    // An error response of ours, or one whose exchange is over.
    const auto sent = send_buffer_.flush(*stream_);
    if (sent.state == SendBuffer::State::Failed) return close();
    if (sent.state == SendBuffer::State::Sent && state_ == State::Lingering) stream_->shutdown_write();
  }
  resume();
}

void ClientH1::resume() {
  // A client that does not take its responses gets no further ones.
  const auto wants_next = [this] {
    return state_ == State::Open && !exchange_ && send_buffer_.is_empty() && (has_unread_ || input_.size() > searched_);
  };
  for (int i = 0; wants_next(); ++i) {
    if (i == kRequestsPerTurn) return go_on_next_turn();
    read_heads();
  }
}

void ClientH1::go_on_next_turn() {
  if (!turn_) {
    turn_ = context_.scheduler.timer([this] {
      if (state_ == State::Lingering) return discard_input();
      resume();
    });
  }
  turn_->set(context_.now());
}

inline net::IoResult ClientH1::read(std::span<char> into) {
  const net::IoResult got = stream_->read(into);
  context_.counters.client_bytes_in.add(got.bytes);
  // A full buffer may have left something behind; a short one has not, unless the end was already announced.
  has_unread_ = got.state == net::IoResult::State::Ok && (got.bytes == into.size() || stream_->peer_ended());
  return got;
}

void ClientH1::read_heads() {
  std::span<char> scratch(*context_.scratch.bytes);
  std::size_t have = input_.size();
  if (have != 0) std::memcpy(scratch.data(), input_.data(), have);
  if (have > searched_ && parse_head(have)) return;
  while (state_ == State::Open) {
    const net::IoResult got = read(scratch.subspan(have));
    if (got.state == net::IoResult::State::Blocked) return await_more();
    if (got.state != net::IoResult::State::Ok) return close();
    if (parse_head(have + got.bytes)) return;
    keep_leftover(scratch.subspan(have, got.bytes));
    have += got.bytes;
  }
}

inline bool ClientH1::parse_head(std::size_t have) {
  const conf::Limits& limits = context_.settings().limits;
  const http::Parsed parsed = http::parse_request_head(
      {context_.scratch.bytes->data(), have}, searched_,
      {.bytes_max = limits.request_head_bytes, .fields_max = limits.headers}, context_.scratch.request_head);
  switch (parsed.state) {
    case http::Parsed::State::Complete:
      begin_exchange(parsed.consumed, have);
      return true;
    case http::Parsed::State::Bad:
      context_.counters.requests_refused.add();
      refuse(parsed.status);
      return true;
    case http::Parsed::State::Incomplete:
      break;
  }
  if (searched_ == 0) times_.head_since = context_.now();
  searched_ = have;
  return false;
}

inline void ClientH1::begin_exchange(std::size_t consumed, std::size_t have) {
  context_.buffers.take_back(input_);
  searched_ = 0;
  const http::RequestHead& head = context_.scratch.request_head;
  request_ = {.minor = head.minor, .keeps_alive = head.keep_alive};
  exchange_ = owner_.exchanges().take();
  exchange_->client_body().start(head.framing);
  const RequestPiece first = take_body(std::span(*context_.scratch.bytes).subspan(consumed, have - consumed));
  exchange_->start(*this, head, first);
}

inline RequestPiece ClientH1::take_body(std::span<char> bytes) {
  const auto step = exchange_->client_body().take(bytes);
  keep_leftover(bytes.subspan(step.consumed));
  switch (step.state) {
    case http::BodyReader::Step::State::More:
      return {.state = RequestPiece::State::More, .content = step.data};
    case http::BodyReader::Step::State::Done:
      return {.state = RequestPiece::State::Last, .content = step.data};
    case http::BodyReader::Step::State::Bad:
      break;
  }
  return {.state = RequestPiece::State::Bad, .content = step.data};
}

RequestPiece ClientH1::read_body() {
  if (!has_unread_) return {};
  const net::IoResult got = read(*context_.scratch.bytes);
  if (got.state == net::IoResult::State::Blocked) return {};
  if (got.state != net::IoResult::State::Ok) return {.state = RequestPiece::State::Gone};
  return take_body(std::span(*context_.scratch.bytes).first(got.bytes));
}

std::string_view ClientH1::trailers() const { return exchange_->client_body().trailers(); }

bool ClientH1::has_left() { return exchange_->client_body().is_done() ? !notice_bytes() : stream_->peer_ended(); }

bool ClientH1::interim(const http::ResponseHead& head) {
  if (request_.minor == 0) return true;  // RFC 9110 section 15.2: they would not understand it
  context_.scratch.text.clear();
  append_interim_head(context_.scratch.text, head);
  request_.head_is_staged = true;
  return send({}, More::Yes, {});
}

void ClientH1::begin(const http::ResponseHead& head, const OurFields& ours) {
  // A response before the request's end: the rest of the request will find nobody, so this connection ends with it.
  const bool is_last = is_leaving() || context_.is_leaving;
  const bool keeps = request_.keeps_alive && !is_last && exchange_->client_body().is_done();
  request_.plan = plan_response(head, request_.minor, keeps ? After::KeepAlive : After::Close);
  request_.head_is_staged = true;
  context_.scratch.text.clear();
  append_response_head(context_.scratch.text, head,
                       {.plan = request_.plan,
                        .client_minor = request_.minor,
                        .set_cookie_line = ours.set_cookie_line,
                        .own_cookie = ours.own_cookie,
                        .date = context_.date()});
}

bool ClientH1::send(std::span<const char> content, More more, std::string_view trailers) {
  const ResponsePlan& plan = request_.plan;
  const bool is_last = more == More::No;
  H1Pieces pieces(plan.framing == http::Framing::Kind::Chunked ? H1Pieces::Framing::Chunked : H1Pieces::Framing::Plain);
  if (std::exchange(request_.head_is_staged, false)) pieces.head(context_.scratch.text);
  pieces.content(content);
  if (is_last) pieces.end(trailers);
  if (pieces.all().empty()) return true;
  const auto then = is_last && plan.after == After::Close ? SendBuffer::Then::Last : SendBuffer::Then::More;
  const auto wrote = send_buffer_.write(*stream_, pieces.all(), then);
  context_.counters.client_bytes_out.add(wrote.bytes);
  return wrote.state != SendBuffer::State::Failed;
}

ClientSide::Sent ClientH1::flush() {
  const auto wrote = send_buffer_.flush(*stream_);
  context_.counters.client_bytes_out.add(wrote.bytes);
  switch (wrote.state) {
    case SendBuffer::State::Sent:
      return Sent::All;
    case SendBuffer::State::Pending:
      return Sent::Some;
    case SendBuffer::State::Failed:
      break;
  }
  return Sent::Failed;
}

ClientSide::Upgraded ClientH1::upgrade() {
  request_.plan.after = After::Close;
  searched_ = 0;
  return {.stream = *stream_, .to_client = send_buffer_, .first = std::exchange(input_, {})};
}

void ClientH1::keep_leftover(std::span<const char> bytes) {
  if (bytes.empty()) return;
  context_.buffers.lend(input_);
  input_.append(bytes.data(), bytes.size());
}

bool ClientH1::notice_bytes() {
  if (stream_->peer_ended()) return false;
  while (has_unread_ && input_.size() < kPipelinedMax) {
    const net::IoResult got = read(std::span(*context_.scratch.bytes).first(kPipelinedMax - input_.size()));
    if (got.state == net::IoResult::State::Blocked) return true;
    if (got.state != net::IoResult::State::Ok) return false;
    keep_leftover(std::span(*context_.scratch.bytes).first(got.bytes));
  }
  return true;
}

void ClientH1::await_more() {
  const conf::Timeouts& timeouts = context_.settings().timeouts;
  // A head's time counts from its first byte, so that sending slowly does not prolong it.
  timer_->set(input_.empty() ? times_.idle_since + timeouts.client_idle : times_.head_since + timeouts.request_head);
}

void ClientH1::on_due() {
  if (state_ == State::Lingering) return close();
  if (exchange_) return;  // it has deadlines of its own
  if (input_.empty()) return close();
  context_.counters.requests_refused.add();
  refuse(408);
}

void ClientH1::refuse(int status) {
  const conf::Server& server = context_.settings().server;
  if (!server.access_log_path.empty()) {  // of a request without a head only who sent it is known
    context_.scratch.text.clear();
    append_access_line(context_.scratch.text,
                       {.time = base::wall_now(),
                        .client = facts_.peer_text,
                        .status = static_cast<unsigned>(status),
                        .total = searched_ == 0 ? base::Duration::zero() : context_.now() - times_.head_since},
                       server.access_log_format);
    context_.listener.on_access_line(context_.scratch.text);
  }
  context_.scratch.text.clear();
  append_error_response(context_.scratch.text, status, {.after = After::Close});
  const iovec pieces[] = {piece(context_.scratch.text)};
  if (send_buffer_.write(*stream_, pieces).state == SendBuffer::State::Failed) return close();
  context_.counters.client_bytes_out.add(context_.scratch.text.size());
  linger();
}

/// Closing with unread input makes the kernel send RST, which can destroy the response on its way: then linger.
void ClientH1::close_when_sent() {
  if (send_buffer_.is_empty() && input_.empty() && !has_unread_) return close();
  linger();
}

void ClientH1::linger() {
  state_ = State::Lingering;
  times_.linger_until = context_.now() + kLingerMax;
  if (send_buffer_.is_empty()) stream_->shutdown_write();
  discard_input();
}

void ClientH1::discard_input() {
  timer_->set(std::min(context_.now() + kLingerIdle, times_.linger_until));
  for (int i = 0; i < kDiscardsPerTurn; ++i) {
    const net::IoResult got = stream_->read(*context_.scratch.bytes);
    if (got.state == net::IoResult::State::Blocked) return;
    if (got.state != net::IoResult::State::Ok) return close();
  }
  go_on_next_turn();
}

void ClientH1::end(End how) {
  const bool is_request_read = exchange_->client_body().is_done();
  owner_.exchanges().give_back(std::move(exchange_));
  times_.idle_since = context_.now();
  if (how == End::Cut) {
    // Chunked and counted bodies end short; one that ends with the connection must not look whole.
    if (request_.plan.framing == http::Framing::Kind::UntilClose) stream_->reset_on_close();
    return close();
  }
  // What the client still sends of its request nobody wants: end our side, read on for a moment, then close (RFC 9112
  // section 9.6).
  if (!is_request_read) return linger();
  if (request_.plan.after == After::Close || (is_leaving() && input_.empty())) return close_when_sent();
  if (!input_.empty()) times_.head_since = times_.idle_since;
  await_more();
}

void ClientH1::close() {
  if (state_ == State::Closed) return;
  state_ = State::Closed;
  timer_->cancel();
  if (turn_) turn_->cancel();
  stream_->set_handler(nullptr);
  if (exchange_) exchange_->on_client_closed();
  owner_.on_client_closed(*this);
}

void ClientH1::on_view() {
  if (exchange_) exchange_->on_view();
  resume();
}

bool ClientH1::close_if_idle() {
  if (!is_idle()) return false;
  has_unread_ = true;  // its event may still be on its way
  resume();
  if (!is_idle()) return state_ == State::Closed;
  close();
  return true;
}

void ClientH1::drain() {
  if (!is_idle()) return;
  has_unread_ = true;  // a request may have come whose event is still on its way
  resume();
  // Not closed at once: a request that crosses our end would be answered by a reset.
  if (is_idle()) linger();
}

}  // namespace holdfast::proxy
