#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "health/prober.h"
#include "health/questions.h"
#include "web/http_client.h"

namespace holdfast::health {

/// Carries Questions to a backend over HTTP, by one connection that is kept from question to question and from probe to
/// probe. One deadline for all questions of a probe.
class HttpProbe final : public Prober, private web::HttpClient::Handler {
 public:
  /// `dialer` outlives it.
  HttpProbe(const conf::Probe& probe, const net::Address& address, std::unique_ptr<Questions> questions,
            base::Scheduler& scheduler, net::Dialer& dialer, Done done);

 private:
  void on_begin(Connect how, Depth depth) override;
  void on_cancelled() override { client_.cancel(); }
  void ask(Connect how);

  web::HttpClient::Body on_head(const http::ResponseHead& head) override;
  void on_response(std::uint16_t status, std::string_view body) override;
  void on_failed(const base::Error& error, std::uint16_t status) override;

  const std::unique_ptr<Questions> questions_;
  std::optional<ProbeOutcome> judged_;  // by the status alone
  web::HttpClient client_;
};

}  // namespace holdfast::health
