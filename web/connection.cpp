#include "web/connection.h"

#include <span>
#include <utility>

namespace holdfast::web {

using net::IoResult;

namespace {
constexpr std::size_t kSwallowedMax = 1u << 20;  // sent after our last response; who sends more gets a reset
}

Connection::Connection(Owner& owner, base::Scheduler& scheduler, std::unique_ptr<net::Stream> stream,
                       const ConnectionLimits& limits)
    : owner_(owner),
      scheduler_(scheduler),
      limits_(limits),
      stream_(std::move(stream)),
      deadline_(scheduler.timer([this] { on_deadline(); })),
      resume_(scheduler.timer([this] { proceed(); })),
      idle_since_(scheduler.now()) {
  stream_->set_handler(this);
  deadline_->set(scheduler.now() + limits.request);
}

void Connection::start() { proceed(); }

void Connection::close() {
  if (state_ == State::Done) return;
  state_ = State::Done;
  stream_->set_handler(nullptr);
  deadline_->cancel();
  resume_->cancel();
  owner_.on_done(*this);
}

void Connection::leave() {
  is_leaving_ = true;
  after_ = AfterResponse::Close;
  if (is_idle() || state_ == State::Feeding) close();
}

void Connection::on_deadline() {
  const bool request_is_late = (state_ == State::Head && !input_.empty()) || state_ == State::Body;
  if (request_is_late) return refuse(408, "the request took too long");
  if (state_ == State::Writing || state_ == State::Feeding) stream_->reset_on_close();
  close();
}

void Connection::proceed() {
  if (state_ == State::Lingering || state_ == State::Feeding) return swallow();
  while (state_ == State::Head || state_ == State::Body) {
    const Progress parsed = state_ == State::Head ? take_head() : take_body();
    if (parsed == Progress::NeedsBytes && fill() == Progress::NeedsBytes) return;
  }
}

Connection::Progress Connection::fill() {
  char bytes[4096];
  const IoResult got = stream_->read(bytes);
  if (got.state == IoResult::State::Closed || got.state == IoResult::State::Failed) {
    close();
    return Progress::NeedsBytes;
  }
  if (got.bytes == 0) return Progress::NeedsBytes;
  if (is_idle()) deadline_->set(scheduler_.now() + limits_.request);
  input_.append(bytes, got.bytes);
  return Progress::Made;
}

Connection::Progress Connection::take_head() {
  if (input_.empty()) return Progress::NeedsBytes;
  http::RequestHead head;
  const http::HeadLimits limits{.bytes_max = limits_.head_bytes_max, .fields_max = limits_.fields_max};
  const http::Parsed parsed = http::parse_request_head(input_, searched_, limits, head);
  if (parsed.state == http::Parsed::State::Incomplete) {
    searched_ = input_.size();
    return Progress::NeedsBytes;
  }
  if (parsed.state == http::Parsed::State::Bad) {
    refuse(parsed.status, parsed.why);
    return Progress::Made;
  }
  request_.method = head.method;
  request_.path = head.path;
  request_.query = head.query;
  request_.host = head.host;
  for (const http::Field& field : head.fields) request_.fields.emplace_back(field.name, field.value);
  request_.peer = stream_->peer();
  after_ = head.keep_alive && !is_leaving_ ? AfterResponse::KeepOpen : AfterResponse::Close;
  input_.erase(0, parsed.consumed);  // `head` looks into what is left behind: only its plain values hold from here
  searched_ = 0;
  accept_head(head);
  return Progress::Made;
}

void Connection::accept_head(const http::RequestHead& head) {
  if (head.framing.kind == http::Framing::Kind::None) return ask();
  if (head.framing.length > limits_.body_bytes_max) return refuse(413, "the body is too long");
  body_.start(head.framing);
  state_ = State::Body;
  if (head.expects_continue && input_.empty()) {
    output_ = "HTTP/1.1 100 Continue\r\n\r\n";
    flush();
  }
}

Connection::Progress Connection::take_body() {
  if (input_.empty()) return Progress::NeedsBytes;
  const http::BodyReader::Step step = body_.take(std::span(input_));
  if (step.state == http::BodyReader::Step::State::Bad) {
    refuse(400, step.why);
    return Progress::Made;
  }
  request_.body.append(step.data.data(), step.data.size());
  input_.erase(0, step.consumed);
  if (request_.body.size() > limits_.body_bytes_max) {
    refuse(413, "the body is too long");
  } else if (step.state == http::BodyReader::Step::State::Done) {
    ask();
  }
  return Progress::Made;
}

void Connection::ask() {
  state_ = State::Asking;
  deadline_->set(scheduler_.now() + limits_.response);
  owner_.on_request(*this, request_);
}

void Connection::refuse(std::uint16_t status, std::string_view why) {
  after_ = AfterResponse::Close;
  send(text_response(status, why));
}

void Connection::send(const Response& response) {
  if (response.feed) after_ = AfterResponse::Close;
  const BodyPart body = request_.method == http::Method::Head ? BodyPart::LeftOut : BodyPart::Sent;
  output_ += wire_text(response, base::wall_now(), after_, body);
  state_ = State::Writing;
  deadline_->set(scheduler_.now() + limits_.response);
  if (response.feed && body == BodyPart::Sent) {
    state_ = State::Feeding;
    feed_ = response.feed;
    request_ = {};
    feed_->begin(*this);
  }
  if (state_ != State::Done) flush();
}

void Connection::push(std::string_view bytes) {
  if (state_ != State::Feeding) return;
  if (output_.size() - written_ + bytes.size() > limits_.feed_backlog_max) return on_deadline();
  if (output_.empty()) deadline_->set(scheduler_.now() + limits_.feed_patience);
  if (written_ > output_.size() / 2) {
    output_.erase(0, written_);
    written_ = 0;
  }
  output_ += bytes;
  flush();
}

void Connection::flush() {
  while (written_ < output_.size()) {
    const iovec piece{output_.data() + written_, output_.size() - written_};
    const IoResult wrote = stream_->write(std::span(&piece, 1));
    written_ += wrote.bytes;
    if (state_ == State::Feeding && wrote.bytes > 0) deadline_->set(scheduler_.now() + limits_.feed_patience);
    if (wrote.state == IoResult::State::Failed) return close();
    if (wrote.state == IoResult::State::Blocked) return;
  }
  output_ = {};
  written_ = 0;
  if (state_ == State::Feeding) deadline_->cancel();  // it has taken all there is
  if (state_ == State::Writing) on_written();
}

void Connection::on_written() {
  request_ = {};
  if (after_ == AfterResponse::Close) {
    // Closing over unread bytes would be a reset, and the client might never see the response (RFC 9112 section 9.6).
    stream_->shutdown_write();
    state_ = State::Lingering;
    deadline_->set(scheduler_.now() + limits_.linger);
    return swallow();
  }
  state_ = State::Head;
  idle_since_ = scheduler_.now();
  deadline_->set(scheduler_.now() + (input_.empty() ? limits_.idle : limits_.request));
  if (input_.empty()) input_ = {};
  resume_->set(scheduler_.now());
}

void Connection::swallow() {
  char bytes[4096];
  for (;;) {
    const IoResult got = stream_->read(bytes);
    if (got.state == IoResult::State::Blocked) return;
    swallowed_ += got.bytes;
    if (got.state != IoResult::State::Ok || swallowed_ > kSwallowedMax) return close();
  }
}

}  // namespace holdfast::web
