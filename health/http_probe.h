#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "health/prober.h"
#include "health/questions.h"
#include "http/body.h"
#include "http/head.h"

namespace holdfast::health {

/// Carries Questions to a backend over HTTP/1.1, on a connection that is kept alive from question to question and from
/// probe to probe.
///
/// A kept connection that turns out to be closed before a byte of a response has come is replaced within the same probe
/// and the same deadline: the backend may close idle connections as it likes. Between probes it holds no buffer.
class HttpProbe final : public Prober, private net::StreamHandler {
 public:
  HttpProbe(const conf::Probe& probe, const net::Address& address, std::unique_ptr<Questions> questions,
            base::Scheduler& scheduler, net::Dialer& dialer, Done done);
  ~HttpProbe() override;

 private:
  // Idle -> Head -> Body -> Idle      Idle: no probe, or still dialling. A short response goes from Head straight to
  // Idle. Once for each question.
  enum class Phase : std::uint8_t { Idle, Head, Body };
  // What is known about the end of the response after some more bytes.
  enum class Response : std::uint8_t { More, Whole, Cut, Judged };

  void on_begin(Connect how, Depth depth) override;
  void on_connected(std::unique_ptr<net::Stream> stream) override;
  void on_cancelled() override { drop_stream(); }
  void on_readable() override;
  void on_writable() override;

  void ask(Connect how);
  void start_exchange();
  void send_rest();
  Response take(std::span<char> input);
  Response take_head(std::span<char> input);
  Response start_body(std::span<char> rest);
  Response take_body(std::span<char> input);
  Response malformed(std::string_view why);
  void on_end();
  void on_broken(base::ErrorCode code);
  bool redial_if_stale();
  void complete(Response response, bool is_emptied);
  void drop_stream();
  void forget_response();

  const std::unique_ptr<Questions> questions_;
  std::unique_ptr<net::Stream> stream_;
  Phase phase_ = Phase::Idle;
  bool is_reused_ = false;  // the exchange runs on a connection that was kept
  bool may_keep_ = false;   // the response allows another request after it
  std::size_t sent_ = 0;
  std::string head_bytes_;  // until the head is whole
  std::size_t searched_ = 0;
  std::uint16_t status_ = 0;
  http::BodyReader reader_;
  std::string body_;     // kProbeBodyBytesMax at most, and only where it matters
  ProbeOutcome judged_;  // with Response::Judged
};

}  // namespace holdfast::health
