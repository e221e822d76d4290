#include <doctest/doctest.h>

#include <string>

#include "net/listener.h"
#include "net/loop.h"
#include "net/tcp_dialer.h"

using namespace holdfast;
using namespace std::chrono_literals;

namespace {

/// Collects what a stream says and stops the loop when `until` is true of it.
struct Reader final : net::StreamHandler {
  Reader(net::Loop& l, std::unique_ptr<net::Stream> s) : loop(l), stream(std::move(s)) { stream->set_handler(this); }
  void on_readable() override {
    for (;;) {
      char bytes[1000];
      const net::IoResult got = stream->read(bytes);
      text.append(bytes, got.bytes);
      if (got.state == net::IoResult::State::Ok) continue;
      if (got.state == net::IoResult::State::Blocked) return;
      end = got.state;
      error = got.error;
      return loop.stop();
    }
  }
  void on_writable() override { ++writable; }

  net::Loop& loop;
  std::unique_ptr<net::Stream> stream;
  std::string text;
  net::IoResult::State end = net::IoResult::State::Ok;
  base::ErrorCode error = base::ErrorCode::Io;
  int writable = 0;
};

iovec piece(std::string_view text) { return {const_cast<char*>(text.data()), text.size()}; }

struct Fixture {
  net::Loop loop;
  net::TcpDialer dialer{loop};
  std::unique_ptr<Reader> server;
  std::unique_ptr<net::Listener> listener =
      net::Listener::open(loop, *net::resolve({"127.0.0.1", 0}), [this](std::unique_ptr<net::Stream> s) {
        server = std::make_unique<Reader>(loop, std::move(s));
      }).value();
};

}  // namespace

TEST_CASE("bytes go both ways and the end is seen") {
  Fixture f;
  std::unique_ptr<net::Stream> client;
  const auto dial = f.dialer.dial(f.listener->address(), 1s, [&](base::Result<std::unique_ptr<net::Stream>> made) {
    REQUIRE(made);
    client = std::move(*made);
    const iovec pieces[] = {piece("hello "), piece("there")};
    CHECK(client->write(pieces).bytes == 11);
    client.reset();
  });
  f.loop.run();
  REQUIRE(f.server);
  CHECK(f.server->text == "hello there");
  CHECK(f.server->end == net::IoResult::State::Closed);
  CHECK(f.server->stream->peer().host_text() == "127.0.0.1");
}

TEST_CASE("the last bytes and the end arrive, however much there is of them") {
  for (const std::size_t size : {std::size_t{5}, std::size_t{3000}, std::size_t{1} << 20}) {
    CAPTURE(size);
    Fixture f;
    const std::string text(size, 'x');
    std::size_t sent = 0;
    const auto dial = f.dialer.dial(f.listener->address(), 1s, [&](base::Result<std::unique_ptr<net::Stream>> made) {
      const iovec pieces[] = {piece(std::string_view(text).substr(0, 2)), piece(std::string_view(text).substr(2))};
      sent = (*made)->write_last(pieces).bytes;
    });
    f.loop.run();
    CHECK(sent > 0);
    CHECK(f.server->text.size() == sent);
    CHECK(f.server->end == net::IoResult::State::Closed);
  }
}

TEST_CASE("who comes as a listener closes is let in by the next one on its address") {
  Fixture f;
  const net::Address address = f.listener->address();
  std::unique_ptr<net::Stream> kept;
  const auto early = f.dialer.dial(address, 1s, [&](base::Result<std::unique_ptr<net::Stream>> stream) {
    if (stream) kept = std::move(*stream);
  });
  f.listener->accept_last();
  CHECK(f.server);
  std::unique_ptr<Reader> client;  // stops the loop when it is reset
  const auto late = f.dialer.dial(address, 30s, [&](base::Result<std::unique_ptr<net::Stream>> stream) {
    if (!stream) return f.loop.stop();
    client = std::make_unique<Reader>(f.loop, std::move(*stream));
  });
  bool is_in = false;
  f.listener = net::Listener::open(f.loop, address, [&](auto) {
                 is_in = true;
                 f.loop.stop();
               }).value();
  f.loop.run();
  CHECK(kept);
  CHECK(is_in);
}

TEST_CASE("a reset after bytes shows as bytes, then Reset") {
  Fixture f;
  std::unique_ptr<net::Stream> client;
  const auto dial = f.dialer.dial(f.listener->address(), 1s, [&](base::Result<std::unique_ptr<net::Stream>> made) {
    client = std::move(*made);
    const iovec pieces[] = {piece("cut")};
    client->write(pieces);
    client->reset_on_close();
    client.reset();
  });
  f.loop.run();
  CHECK(f.server->end == net::IoResult::State::Failed);
  CHECK(f.server->error == base::ErrorCode::Reset);
}

TEST_CASE("a refused dial says so, after dial() has returned") {
  Fixture f;
  const net::Address address = f.listener->address();
  f.listener.reset();
  base::ErrorCode code = base::ErrorCode::Io;
  bool returned = false;
  const auto dial = f.dialer.dial(address, 1s, [&](base::Result<std::unique_ptr<net::Stream>> made) {
    CHECK(returned);
    REQUIRE_FALSE(made);
    code = made.error().code;
    f.loop.stop();
  });
  returned = true;
  f.loop.run();
  CHECK(code == base::ErrorCode::Refused);
}

TEST_CASE("a destroyed dial never calls back") {
  Fixture f;
  bool called = false;
  auto dial = f.dialer.dial(f.listener->address(), 1s, [&](auto) { called = true; });
  dial.reset();
  const auto timer = f.loop.timer([&] { f.loop.stop(); });
  timer->set(f.loop.now() + 20ms);
  f.loop.run();
  CHECK_FALSE(called);
}

TEST_CASE("a slow reader blocks the writer, who hears when there is room") {
  Fixture f;
  std::unique_ptr<Reader> client;
  std::string block(1 << 20, 'x');
  std::size_t sent = 0;
  const auto dial = f.dialer.dial(f.listener->address(), 1s, [&](base::Result<std::unique_ptr<net::Stream>> made) {
    client = std::make_unique<Reader>(f.loop, std::move(*made));
    for (int i = 0; i < 64; ++i) {
      const iovec pieces[] = {piece(block)};
      const net::IoResult wrote = client->stream->write(pieces);
      sent += wrote.bytes;
      if (wrote.state == net::IoResult::State::Blocked) break;
    }
  });
  std::unique_ptr<base::Timer> timer;
  timer = f.loop.timer([&] {
    if (client && client->writable > 0) return f.loop.stop();
    timer->set(f.loop.now() + 1ms);
  });
  timer->set(f.loop.now() + 1ms);
  f.loop.run();
  CHECK(client->writable == 1);
  CHECK(sent < (64u << 20));
}

TEST_CASE("address ranges: IPv4 as mapped IPv6, partial bytes") {
  const auto bytes = [](const char* host) { return net::resolve({host, 1})->bytes(); };
  conf::Cidr range;
  const auto ten = bytes("10.0.0.0");
  std::copy(ten.begin(), ten.end(), range.bytes);
  range.prefix_bits = 96 + 9;
  CHECK(net::contains(range, bytes("10.127.255.255")));
  CHECK_FALSE(net::contains(range, bytes("10.128.0.0")));
  CHECK_FALSE(net::contains(range, bytes("::1")));
  CHECK(net::resolve({"::1", 80})->text() == "[::1]:80");
  CHECK(net::resolve({"127.0.0.1", 80})->text() == "127.0.0.1:80");
}
