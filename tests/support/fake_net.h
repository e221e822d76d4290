#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/stream.h"
#include "tests/support/fake_loop.h"

/// Streams without sockets: the test plays the far end. Events reach handlers through the fake loop only (run() or
/// advance()), never from inside a call of the code under test, just like edges from the kernel.
namespace holdfast::tests {

/// 127.0.0.1:port, without the resolver.
net::Address fake_address(std::uint16_t port);

/// The far end of one connection, in the test's hands. Cheap to copy; all copies are the same far end.
class FakePeer {
 public:
  struct Wire;
  explicit FakePeer(std::shared_ptr<Wire> wire) : wire_(std::move(wire)) {}

  /// All that the near end has written and take() has not removed.
  const std::string& received() const;
  /// received(), emptied.
  std::string take();
  /// The first part of received(), through its empty line, removed; empty while no whole head has come.
  std::string take_head();
  bool received_head(std::string_view start) const { return received().starts_with(start); }

  void sends(std::string_view bytes);
  /// Ends its sending side only (FIN, half-closed).
  void ends();
  /// Closes whole: the near end reads the end; what it writes from then on is answered by a reset.
  void closes();
  /// RST: the near end reads what came before, then fails with Reset.
  void resets();
  /// From now on takes `bytes` more, then the near end's writes are Blocked.
  void blocks_after(std::size_t bytes);
  /// Takes everything again; a near end that was Blocked hears on_writable.
  void unblocks();
  /// Called in the loop after bytes have come, to play a server.
  void on_bytes(std::function<void(FakePeer)> react);

  /// The near end's Stream still exists.
  bool is_open() const;
  /// The near end has ended its writing side (or closed).
  bool has_ended() const;
  /// The near end was destroyed after reset_on_close().
  bool was_reset() const;

 private:
  std::shared_ptr<Wire> wire_;
};

/// The near end. Behaves as net::TcpStream: a read that gets bytes says Ok, and Blocked comes only without any.
class FakeStream final : public net::Stream {
 public:
  FakeStream(std::shared_ptr<FakePeer::Wire> wire, const net::Address& peer);
  ~FakeStream() override;

  void set_handler(net::StreamHandler* handler) override;
  net::IoResult read(std::span<char> into) override;
  net::IoResult write(std::span<const iovec> pieces) override;
  bool peer_ended() const override;
  void shutdown_write() override;
  void reset_on_close() override;
  const net::Address& peer() const override { return peer_; }

 private:
  std::shared_ptr<FakePeer::Wire> wire_;
  net::Address peer_;
  bool resets_on_close_ = false;
};

/// A connection that nobody dialled: a client's, for instance. `peer` is what Stream::peer() says.
std::pair<std::unique_ptr<FakeStream>, FakePeer> fake_connection(FakeLoop& loop,
                                                                 const net::Address& peer = fake_address(50'000));

/// What stands behind one address: says what happens to dials, and keeps the far ends of those accepted.
class FakeServer {
 public:
  /// Dials made from now on: accepted at the next turn (the default), accepted after `delay`, refused, failed, or left
  /// hanging until their timeout.
  void accepts();
  void accepts_after(base::Duration delay);
  void refuses() { fails_with(base::ErrorCode::Refused); }
  void fails_with(base::ErrorCode code);
  void hangs();

  /// Plays a server on all connections from now on: called after bytes have come. See FakePeer::on_bytes.
  void on_bytes(std::function<void(FakePeer)> react) { react_ = std::move(react); }
  /// Called for each new connection before the near end learns of it: what the far end does then has no event left.
  void on_accept(std::function<void(FakePeer)> greet) { greet_ = std::move(greet); }
  /// Each time a whole head has come, moves it to heads() and sends `response`. A request's body stays in received(),
  /// so on a connection that goes on it would be taken for the start of the next head.
  void responds_with(std::string response);
  const std::vector<std::string>& heads() const { return heads_; }
  /// Reads, says nothing.
  void stays_silent() { react_ = nullptr; }

  std::size_t dials() const { return dials_; }
  /// Far ends of all connections ever accepted, oldest first. References stay valid.
  std::deque<FakePeer>& peers() { return peers_; }
  /// The newest one; there must be one.
  FakePeer& last();
  std::size_t open_count() const;
  /// kill -9: resets what is open, refuses from now on.
  void dies();

  // Shorthand for the newest connection.
  void sends(std::string_view bytes) { last().sends(bytes); }
  bool received_head(std::string_view start) const { return !peers_.empty() && peers_.back().received_head(start); }

 private:
  friend class FakeDialer;

  std::optional<base::Duration> delay_ = base::Duration::zero();  // nullopt: hangs
  std::optional<base::ErrorCode> failure_;
  std::function<void(FakePeer)> react_;
  std::function<void(FakePeer)> greet_;
  std::size_t dials_ = 0;
  std::deque<FakePeer> peers_;
  std::vector<std::string> heads_;
};

/// A dialer whose servers are scripted. An address nobody has asked at() for accepts and stays silent.
class FakeDialer final : public net::Dialer {
 public:
  explicit FakeDialer(FakeLoop& loop) : loop_(loop) {}

  FakeServer& at(const net::Address& address);
  FakeServer& at(std::uint16_t port) { return at(fake_address(port)); }
  /// Dials that are neither finished nor given up.
  std::size_t dials_under_way() const { return *under_way_; }
  /// Near ends alive, over all servers.
  std::size_t open_count() const;

  std::unique_ptr<net::Dial> dial(const net::Address& address, base::Duration timeout,
                                  std::function<void(base::Result<std::unique_ptr<net::Stream>>)> done) override;

 private:
  class FakeDial;

  FakeLoop& loop_;
  std::map<std::pair<std::array<std::uint8_t, 16>, std::uint16_t>, FakeServer> servers_;
  std::shared_ptr<std::size_t> under_way_ = std::make_shared<std::size_t>(0);
};

}  // namespace holdfast::tests
