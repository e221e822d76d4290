#include "proxy/client.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "http/h1_parser.h"
#include "proxy/access_line.h"
#include "proxy/error_page.h"
#include "proxy/exchange.h"

namespace holdfast::proxy {

namespace {

// Pipelined bytes taken while an exchange is under way; more stays in the kernel.
constexpr std::size_t kPipelinedMax = 16u << 10;
// How long a client whose input we do not want may take to notice that we have closed: in all, and while nothing comes.
constexpr base::Duration kLingerMax = std::chrono::seconds{30};
constexpr base::Duration kLingerIdle = std::chrono::seconds{2};
// Of a pipeline, in one turn of the loop.
constexpr int kRequestsPerTurn = 16;
constexpr int kReadsPerTurn = 16;
constexpr std::size_t kSpareExchangesMax = 1024;

}  // namespace

Client::Client(Context& context, ClientOwner& owner, std::unique_ptr<net::Stream> stream, std::size_t listen)
    : context_(context),
      owner_(owner),
      stream_(std::move(stream)),
      send_buffer_(context.buffers),
      timer_(context.scheduler.timer([this] { on_due(); })),
      idle_since_(context.now()),
      peer_text_(stream_->peer().host_text()),
      peer_bytes_(stream_->peer().bytes()) {
  on_snapshot(listen);
  stream_->set_handler(this);
}

void Client::on_snapshot(std::optional<std::size_t> listen) {
  trusted_proxies_ = {};  // of settings that will not be there for ever
  if (!listen) {
    is_leaving_ = true;
    return drain();
  }
  const conf::Listen& listener = context_.settings().listens[*listen];
  listen_ = static_cast<std::uint32_t>(*listen);
  trust_ = trust_of(listener.trusted_proxies, peer_bytes_);
  trusted_proxies_ = listener.trusted_proxies;
  listener_port_ = listener.address.port;
}

Client::~Client() { context_.buffers.take_back(head_); }

void Client::on_readable() {
  has_unread_ = true;
  if (state_ == State::Lingering) return discard_input();
  if (exchange_) exchange_->on_client_readable();
  resume();
}

void Client::on_writable() {
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

/// A client that does not take its responses gets no further ones.
bool Client::wants_next() const {
  return state_ == State::Open && !exchange_ && send_buffer_.is_empty() && (has_unread_ || head_.size() > searched_);
}

void Client::resume() {
  for (int i = 0; wants_next(); ++i) {
    if (i == kRequestsPerTurn) return go_on_next_turn();
    read_heads();
  }
}

void Client::go_on_next_turn() {
  if (!turn_) turn_ = context_.scheduler.timer([this] { on_turn(); });
  turn_->set(context_.now());
}

void Client::on_turn() {
  if (state_ == State::Lingering) return discard_input();
  resume();
}

net::IoResult Client::read(std::span<char> into) {
  const net::IoResult got = stream_->read(into);
  context_.counters.client_bytes_in.add(got.bytes);
  // A full buffer may have left something behind; a short one has not, unless the end was already announced.
  has_unread_ = got.state == net::IoResult::State::Ok && (got.bytes == into.size() || stream_->peer_ended());
  return got;
}

void Client::read_heads() {
  std::span<char> scratch(*context_.scratch);
  std::size_t have = head_.size();
  if (have != 0) std::memcpy(scratch.data(), head_.data(), have);
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

bool Client::parse_head(std::size_t have) {
  const conf::Limits& limits = context_.settings().limits;
  const http::Parsed parsed = http::parse_request_head(
      {context_.scratch->data(), have}, searched_,
      {.bytes_max = limits.request_head_bytes, .fields_max = limits.headers}, context_.request_head);
  switch (parsed.state) {
    case http::Parsed::State::Complete:
      begin(parsed.consumed, have);
      return true;
    case http::Parsed::State::Bad:
      context_.counters.requests_refused.add();
      refuse(parsed.status);
      return true;
    case http::Parsed::State::Incomplete:
      break;
  }
  if (searched_ == 0) head_since_ = context_.now();
  searched_ = have;
  return false;
}

void Client::begin(std::size_t consumed, std::size_t have) {
  context_.buffers.take_back(head_);
  searched_ = 0;
  if (context_.spare_exchanges.empty()) {
    exchange_ = std::make_unique<Exchange>(context_);
  } else {
    exchange_ = std::move(context_.spare_exchanges.back());
    context_.spare_exchanges.pop_back();
  }
  exchange_->start(*this, context_.request_head, std::span(*context_.scratch).subspan(consumed, have - consumed));
}

void Client::keep_leftover(std::span<const char> bytes) {
  if (bytes.empty()) return;
  context_.buffers.lend(head_);
  head_.append(bytes.data(), bytes.size());
}

std::string Client::take_leftover() {
  searched_ = 0;
  return std::exchange(head_, {});
}

bool Client::notice_bytes() {
  if (stream_->peer_ended()) return false;
  while (has_unread_ && head_.size() < kPipelinedMax) {
    const net::IoResult got = read(std::span(*context_.scratch).first(kPipelinedMax - head_.size()));
    if (got.state == net::IoResult::State::Blocked) return true;
    if (got.state != net::IoResult::State::Ok) return false;
    keep_leftover(std::span(*context_.scratch).first(got.bytes));
  }
  return true;
}

void Client::await_more() {
  const conf::Timeouts& timeouts = context_.settings().timeouts;
  // A head's time counts from its first byte, so that sending slowly does not prolong it.
  timer_->set(head_.empty() ? idle_since_ + timeouts.client_idle : head_since_ + timeouts.request_head);
}

void Client::on_due() {
  if (state_ == State::Lingering) return close();
  if (exchange_) return;  // it has deadlines of its own
  if (head_.empty()) return close();
  context_.counters.requests_refused.add();
  refuse(408);
}

void Client::refuse(int status) {
  if (!context_.settings().server.access_log_path.empty()) write_access_line(status);
  context_.text.clear();
  append_error_response(context_.text, status, {.after = After::Close});
  const iovec pieces[] = {piece(context_.text)};
  if (send_buffer_.write(*stream_, pieces).state == SendBuffer::State::Failed) return close();
  context_.counters.client_bytes_out.add(context_.text.size());
  linger();
}

/// Of a request without a head: only who sent it is known.
void Client::write_access_line(int status) {
  const AccessRecord record{.time = base::wall_now(),
                            .client = peer_text_,
                            .status = static_cast<unsigned>(status),
                            .total = searched_ == 0 ? base::Duration::zero() : context_.now() - head_since_};
  context_.text.clear();
  append_access_line(context_.text, record, context_.settings().server.access_log_format);
  context_.listener.on_access_line(context_.text);
}

/// Closing with unread input makes the kernel send RST, which can destroy the response on its way: then linger.
void Client::close_when_sent() {
  if (send_buffer_.is_empty() && head_.empty() && !has_unread_) return close();
  linger();
}

void Client::linger() {
  state_ = State::Lingering;
  linger_until_ = context_.now() + kLingerMax;
  if (send_buffer_.is_empty()) stream_->shutdown_write();
  discard_input();
}

void Client::discard_input() {
  timer_->set(std::min(context_.now() + kLingerIdle, linger_until_));
  for (int i = 0; i < kReadsPerTurn; ++i) {
    const net::IoResult got = stream_->read(*context_.scratch);
    if (got.state == net::IoResult::State::Blocked) return;
    if (got.state != net::IoResult::State::Ok) return close();
  }
  go_on_next_turn();
}

void Client::on_exchange_done(Next next) {
  if (context_.spare_exchanges.size() < kSpareExchangesMax) {
    context_.spare_exchanges.push_back(std::move(exchange_));
  } else {
    context_.scheduler.bury(std::move(exchange_));
  }
  idle_since_ = context_.now();
  switch (next) {
    case Next::KeepAlive:
      if (is_leaving() && head_.empty()) return close_when_sent();
      if (!head_.empty()) head_since_ = idle_since_;
      return await_more();
    case Next::Close:
      return close_when_sent();
    case Next::Linger:
      return linger();
    case Next::Reset:
      stream_->reset_on_close();
      [[fallthrough]];
    case Next::Abort:
      return close();
  }
}

void Client::close() {
  if (state_ == State::Closed) return;
  state_ = State::Closed;
  timer_->cancel();
  if (turn_) turn_->cancel();
  stream_->set_handler(nullptr);
  if (exchange_) exchange_->on_client_closed();
  owner_.on_client_closed(*this);
}

void Client::on_view() {
  if (exchange_) exchange_->on_view();
  resume();
}

bool Client::close_if_idle() {
  if (!is_idle()) return false;
  has_unread_ = true;  // its event may still be on its way
  resume();
  if (!is_idle()) return state_ == State::Closed;
  close();
  return true;
}

void Client::drain() {
  if (!is_idle()) return;
  has_unread_ = true;  // a request may have come whose event is still on its way
  resume();
  // Not closed at once: a request that crosses our end would be answered by a reset.
  if (is_idle()) linger();
}

}  // namespace holdfast::proxy
