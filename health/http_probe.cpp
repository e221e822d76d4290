#include "health/http_probe.h"

#include <algorithm>
#include <array>
#include <utility>

#include "health/expect.h"
#include "http/h1_parser.h"

namespace holdfast::health {

namespace {

constexpr http::HeadLimits kHeadLimits{.bytes_max = 16u << 10, .fields_max = 128};

}  // namespace

HttpProbe::HttpProbe(const conf::Probe& probe, const net::Address& address, std::unique_ptr<Questions> questions,
                     base::Scheduler& scheduler, net::Dialer& dialer, Done done)
    : Prober(probe, address, scheduler, dialer, std::move(done)), questions_(std::move(questions)) {}

HttpProbe::~HttpProbe() {
  if (stream_) stream_->set_handler(nullptr);
}

void HttpProbe::on_begin(Connect how, Depth depth) {
  questions_->begin(depth);
  ask(how);
}

void HttpProbe::ask(Connect how) {
  if (how == Connect::Reuse && stream_ && !stream_->peer_ended()) {
    is_reused_ = true;
    return start_exchange();
  }
  drop_stream();
  dial();
}

void HttpProbe::on_connected(std::unique_ptr<net::Stream> stream) {
  stream_ = std::move(stream);
  stream_->set_handler(this);
  is_reused_ = false;
  start_exchange();
  on_readable();  // what came before we listened has no event any more
}

void HttpProbe::start_exchange() {
  forget_response();
  phase_ = Phase::Head;
  sent_ = 0;
  send_rest();
}

void HttpProbe::send_rest() {
  const std::string_view request = questions_->request().substr(sent_);
  const iovec rest{.iov_base = const_cast<char*>(request.data()), .iov_len = request.size()};
  const net::IoResult result = stream_->write({&rest, 1});
  sent_ += result.bytes;
  // A failed write is left for on_readable to find: the response, or the reason, may be there to be read. Only a stale
  // connection can be replaced at once, and the deadline covers the rest.
  if (result.state == net::IoResult::State::Failed) redial_if_stale();
}

void HttpProbe::on_writable() {
  if (phase_ != Phase::Idle && sent_ < questions_->request().size()) send_rest();
}

void HttpProbe::on_readable() {
  std::array<char, 4096> scratch;
  if (phase_ == Phase::Idle) {
    // Its end, or bytes nobody asked for; an echo of what has been read already is no harm.
    if (stream_ && stream_->read(scratch).state != net::IoResult::State::Blocked) drop_stream();
    return;
  }
  while (stream_) {
    const net::IoResult got = stream_->read(scratch);
    if (got.bytes > 0) {
      const Response response = take({scratch.data(), got.bytes});
      if (response != Response::More) return complete(response, got.bytes < scratch.size() && !stream_->peer_ended());
    }
    switch (got.state) {
      case net::IoResult::State::Ok:
        break;
      case net::IoResult::State::Blocked:
        return;
      case net::IoResult::State::Closed:
        return on_end();
      case net::IoResult::State::Failed:
        return on_broken(got.error);
    }
  }
}

HttpProbe::Response HttpProbe::take(std::span<char> input) {
  return phase_ == Phase::Head ? take_head(input) : take_body(input);
}

HttpProbe::Response HttpProbe::take_head(std::span<char> input) {
  head_bytes_.append(input.data(), input.size());
  http::ResponseHead head;
  for (;;) {
    const http::Parsed parsed =
        http::parse_response_head(head_bytes_, searched_, kHeadLimits, questions_->method(), head);
    if (parsed.state == http::Parsed::State::Bad) return malformed(parsed.why);
    if (parsed.state == http::Parsed::State::Incomplete) {
      searched_ = head_bytes_.size();
      return Response::More;
    }
    searched_ = 0;
    status_ = head.status;
    const bool is_interim = status_ < 200 && status_ != 101;  // RFC 9110 section 15.2
    if (!is_interim) {
      may_keep_ = head.keep_alive && status_ != 101;
      reader_.start(head.framing);
      return start_body(std::span(head_bytes_).subspan(parsed.consumed));
    }
    head_bytes_.erase(0, parsed.consumed);
  }
}

HttpProbe::Response HttpProbe::start_body(std::span<char> rest) {
  if (auto judged = questions_->judge_status(status_)) {
    judged_ = std::move(*judged);
    return Response::Judged;
  }
  phase_ = Phase::Body;
  if (!reader_.is_done()) return rest.empty() ? Response::More : take_body(rest);
  if (!rest.empty()) may_keep_ = false;
  return Response::Whole;
}

HttpProbe::Response HttpProbe::take_body(std::span<char> input) {
  while (!input.empty()) {
    const http::BodyReader::Step step = reader_.take(input);
    if (step.state == http::BodyReader::Step::State::Bad) return malformed(step.why);
    const std::size_t room = kProbeBodyBytesMax - std::min(body_.size(), kProbeBodyBytesMax);
    if (questions_->wants_body()) body_.append(step.data.data(), std::min(room, step.data.size()));
    input = input.subspan(step.consumed);
    if (step.state == http::BodyReader::Step::State::Done) {
      if (!input.empty()) may_keep_ = false;  // more than was asked for
      return Response::Whole;
    }
    if (reader_.content_bytes() > kProbeBodyBytesMax) return Response::Cut;
  }
  return Response::More;
}

HttpProbe::Response HttpProbe::malformed(std::string_view why) {
  judged_ = {.reason = Reason::ProbeMalformed, .status = status_, .detail = bounded_detail(std::string(why))};
  return Response::Judged;
}

void HttpProbe::on_end() {
  if (phase_ == Phase::Body && reader_.may_end_here()) return complete(Response::Cut, false);
  on_broken(base::ErrorCode::Closed);
}

void HttpProbe::on_broken(base::ErrorCode code) {
  if (redial_if_stale()) return;
  const bool has_begun = phase_ == Phase::Body || !head_bytes_.empty();
  fail(code, has_begun ? "the answer was cut short" : "the connection ended before an answer");
}

bool HttpProbe::redial_if_stale() {
  if (!is_reused_ || phase_ != Phase::Head || !head_bytes_.empty()) return false;
  drop_stream();
  dial();
  return true;
}

void HttpProbe::complete(Response response, bool is_emptied) {
  bool keep = response == Response::Whole && may_keep_ && is_emptied && sent_ == questions_->request().size();
  auto outcome = response == Response::Judged ? std::optional(judged_) : questions_->judge(status_, body_);
  phase_ = Phase::Idle;
  forget_response();
  if (outcome && outcome->result() == ProbeResult::Failed) keep = false;
  if (!keep) drop_stream();
  if (!outcome) return ask(Connect::Reuse);
  finish(std::move(*outcome));
}

void HttpProbe::drop_stream() {
  phase_ = Phase::Idle;
  if (!stream_) return;
  stream_->set_handler(nullptr);
  scheduler().bury(std::exchange(stream_, nullptr));
}

void HttpProbe::forget_response() {
  // Swapped away, not cleared: thousands of idle probes shall hold no memory.
  std::string().swap(head_bytes_);
  std::string().swap(body_);
  searched_ = 0;
  status_ = 0;
  may_keep_ = false;
}

}  // namespace holdfast::health
