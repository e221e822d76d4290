#include "health/http_probe.h"

#include <utility>

#include "health/expect.h"

namespace holdfast::health {

using web::HttpClient;

HttpProbe::HttpProbe(const conf::Probe& probe, const net::Address& address, std::unique_ptr<Questions> questions,
                     base::Scheduler& scheduler, net::Dialer& dialer, Done done)
    : Prober(probe, scheduler, std::move(done)),
      questions_(std::move(questions)),
      client_(address, scheduler, dialer, *this, {.body_bytes_max = kProbeBodyBytesMax}) {}

void HttpProbe::on_begin(Connect how, Depth depth) {
  questions_->begin(depth);
  ask(how);
}

void HttpProbe::ask(Connect how) {
  client_.send({.bytes = questions_->request(),
                .method = questions_->method(),
                .timeout = probe().timeout,
                .since = began(),
                .connect = how == Connect::Fresh ? HttpClient::Connect::Fresh : HttpClient::Connect::Reuse});
}

HttpClient::Body HttpProbe::on_head(const http::ResponseHead& head) {
  judged_ = questions_->judge_status(head.status);
  if (judged_) return HttpClient::Body::Leave;
  return questions_->wants_body() ? HttpClient::Body::Keep : HttpClient::Body::Skip;
}

void HttpProbe::on_response(std::uint16_t status, std::string_view body) {
  auto outcome = judged_ ? std::exchange(judged_, std::nullopt) : questions_->judge(status, body);
  if (!outcome) return ask(Connect::Reuse);
  finish(*std::move(outcome));
}

void HttpProbe::on_failed(const base::Error& error, std::uint16_t status) {
  // The status belongs to what was found only where the response itself is at fault.
  fail(error.code, error.text, error.code == base::ErrorCode::Malformed ? status : std::uint16_t{0});
}

}  // namespace holdfast::health
