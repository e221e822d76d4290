#include <doctest/doctest.h>

#include <string>

#include "net/listener.h"
#include "net/loop.h"
#include "net/tcp_dialer.h"
#include "net/tls_stream.h"
#include "tests/support/certificate.h"

using namespace holdfast;
using namespace std::chrono_literals;

namespace {

iovec piece(std::string_view text) { return {const_cast<char*>(text.data()), text.size()}; }

/// One end: says what it has to say as fast as the other takes it, and hears what comes until the other's end.
class End final : public net::StreamHandler {
 public:
  End(net::Loop& loop, net::TlsContext::Ssl session, std::unique_ptr<net::Stream> transport)
      : loop_(loop), stream_(std::move(session), std::move(transport)) {
    stream_.set_handler(this);
  }
  void sends(const std::string& text) {
    to_send_ += text;
    on_writable();
  }
  void ends() { ends_when_said_ = true; }
  void start() { on_readable(); }

  std::string received;
  std::string response;  ///< Said, with an end, once something has been heard.
  net::IoResult::State end = net::IoResult::State::Ok;
  net::TlsStream& stream() { return stream_; }

 private:
  void on_readable() override {
    char bytes[1000];
    for (;;) {
      const net::IoResult got = stream_.read(bytes);
      received.append(bytes, got.bytes);
      if (got.state == net::IoResult::State::Blocked) break;
      if (got.state == net::IoResult::State::Ok) continue;
      end = got.state;
      return loop_.stop();
    }
    if (received.empty() || response.empty()) return;
    ends_when_said_ = true;
    sends(std::exchange(response, {}));
  }
  void on_writable() override {
    while (!to_send_.empty()) {
      const iovec all[] = {piece(std::string_view(to_send_).substr(0, to_send_.size() / 2)),
                           piece(std::string_view(to_send_).substr(to_send_.size() / 2))};
      const net::IoResult wrote = stream_.write(all);
      to_send_.erase(0, wrote.bytes);
      if (wrote.state == net::IoResult::State::Blocked) return;
      if (wrote.state != net::IoResult::State::Ok) return loop_.stop();
    }
    if (ends_when_said_) stream_.shutdown_write();
  }

  net::Loop& loop_;
  net::TlsStream stream_;
  std::string to_send_;
  bool ends_when_said_ = false;
};

struct Fixture {
  /// The client believes `ca` and wants to talk to `host`.
  explicit Fixture(const std::string& host = "localhost", std::string ca = "own") {
    if (ca == "own") ca = certificate.cert.string();
    const auto trust = net::TlsContext::client(ca).value();
    dial = dialer.dial(listener->address(), 5s, [this, trust, host](base::Result<std::unique_ptr<net::Stream>> made) {
      REQUIRE(made);
      client = std::make_unique<End>(loop, trust->connecting(host), std::move(*made));
      client->sends(std::exchange(request, {}));
    });
  }

  support::TempDir dir;
  support::Certificate certificate{dir};
  std::shared_ptr<const net::TlsContext> context =
      net::TlsContext::server(certificate.cert.string(), certificate.key.string()).value();
  net::Loop loop;
  net::TcpDialer dialer{loop};
  std::string request = "hello";
  std::string response = "and to you";
  std::unique_ptr<End> server;
  std::unique_ptr<End> client;
  std::unique_ptr<net::Listener> listener =
      net::Listener::open(loop, *net::resolve({"127.0.0.1", 0}), [this](std::unique_ptr<net::Stream> s) {
        server = std::make_unique<End>(loop, context->accepting(), std::move(s));
        server->response = response;
        server->start();
      }).value();
  std::unique_ptr<net::Dial> dial;
};

}  // namespace

TEST_CASE("TLS: bytes go both ways and the end is seen") {
  Fixture f;
  f.loop.run();
  CHECK(f.server->received == "hello");
  CHECK(f.client->received == "and to you");
  CHECK(f.client->end == net::IoResult::State::Closed);
}

TEST_CASE("TLS: more than the connection takes at once, both ways") {
  Fixture f("127.0.0.1");
  for (int i = 0; i < 400'000; ++i) f.response += std::to_string(i) + ",";
  const std::string expected = f.response;
  f.request = std::string(300'000, 'q');
  f.loop.run();
  CHECK(f.client->received.size() == expected.size());
  CHECK(f.client->received == expected);
  CHECK(f.client->end == net::IoResult::State::Closed);
}

TEST_CASE("TLS: a client that does not know the authority, or wants somebody else, says so and goes") {
  for (const bool wrong_name : {false, true}) {
    CAPTURE(wrong_name);
    Fixture f(wrong_name ? "shop.example" : "localhost", wrong_name ? "own" : "");
    f.loop.run();
    CHECK(f.client->received.empty());
    CHECK_FALSE(f.client->stream().error_text().empty());
  }
}

TEST_CASE("TLS: what is no TLS is an error, not a request") {
  Fixture f;
  f.dial.reset();
  std::unique_ptr<net::Stream> plain;
  const auto dial = f.dialer.dial(f.listener->address(), 5s, [&](base::Result<std::unique_ptr<net::Stream>> made) {
    plain = std::move(*made);
    const iovec pieces[] = {piece("GET / HTTP/1.1\r\nHost: x\r\n\r\n")};
    plain->write(pieces);
  });
  f.loop.run();
  CHECK(f.server->received.empty());
  CHECK(f.server->end == net::IoResult::State::Failed);
}

TEST_CASE("TLS: files that are none") {
  const support::TempDir dir;
  const support::Certificate good(dir);
  const auto other = dir.write("other.pem", "nothing");
  for (const auto& [cert, key] : {std::pair{other, good.key}, std::pair{good.cert, other},
                                  std::pair{dir.path() / "none.pem", good.key}, std::pair{good.cert, good.cert}}) {
    const auto made = net::TlsContext::server(cert.string(), key.string());
    REQUIRE_FALSE(made);
    CHECK(made.error().code == base::ErrorCode::Invalid);
    CHECK(made.error().text.find(".pem: ") != std::string::npos);
  }
  CHECK_FALSE(net::TlsContext::client(other.string()));
}
