#include "tests/support/fake_net.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "base/check.h"

namespace holdfast::tests {

using net::IoResult;

/// Both directions of one connection, shared by its two ends.
struct FakePeer::Wire {
  explicit Wire(FakeLoop& l) : loop(l) {}

  FakeLoop& loop;
  net::StreamHandler* handler = nullptr;
  std::function<void(FakePeer)> react;
  std::string to_near;  // sent by the far end, not read yet
  std::string to_far;   // written by the near end
  std::size_t room = std::numeric_limits<std::size_t>::max();
  bool near_open = true;
  bool near_ended = false;
  bool near_reset = false;
  bool near_saw_end = false;
  bool write_blocked = false;
  bool reaction_due = false;
  bool far_ended = false;   // FIN sent
  bool far_closed = false;  // nobody reads what the near end writes
  bool far_reset = false;

  static void readable_soon(const std::shared_ptr<Wire>& wire) {
    wire->loop.post([weak = std::weak_ptr(wire)] {
      const auto w = weak.lock();
      if (!w || !w->near_open) return;
      w->near_saw_end = w->near_saw_end || w->far_ended || w->far_reset;
      if (w->handler != nullptr) w->handler->on_readable();
    });
  }
  static void writable_soon(const std::shared_ptr<Wire>& wire) {
    wire->loop.post([weak = std::weak_ptr(wire)] {
      const auto w = weak.lock();
      if (!w || !w->near_open || !w->write_blocked || w->handler == nullptr) return;
      w->write_blocked = false;
      w->handler->on_writable();
    });
  }
  static void react_soon(const std::shared_ptr<Wire>& wire) {
    if (!wire->react || wire->to_far.empty() || wire->reaction_due) return;
    wire->reaction_due = true;
    wire->loop.post([weak = std::weak_ptr(wire)] {
      const auto w = weak.lock();
      if (!w) return;
      w->reaction_due = false;
      if (!w->react || w->far_closed) return;
      const auto reaction = w->react;  // it may replace itself
      reaction(FakePeer(w));
    });
  }
};

net::Address fake_address(std::uint16_t port) {
  net::Address address;
  auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage);
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.length = sizeof(sockaddr_in);
  return address;
}

const std::string& FakePeer::received() const { return wire_->to_far; }
std::string FakePeer::take() { return std::exchange(wire_->to_far, {}); }

std::string FakePeer::take_head() {
  const auto end = wire_->to_far.find("\r\n\r\n");
  if (end == std::string::npos) return {};
  std::string head = wire_->to_far.substr(0, end + 4);
  wire_->to_far.erase(0, end + 4);
  return head;
}

void FakePeer::sends(std::string_view bytes) {
  base::check(!wire_->far_ended && !wire_->far_reset, "a far end sends only before it has ended");
  wire_->to_near += bytes;
  Wire::readable_soon(wire_);
}

void FakePeer::ends() {
  wire_->far_ended = true;
  Wire::readable_soon(wire_);
}

void FakePeer::closes() {
  wire_->far_closed = true;
  ends();
}

void FakePeer::resets() {
  wire_->far_closed = true;
  wire_->far_reset = true;
  Wire::readable_soon(wire_);
}

void FakePeer::blocks_after(std::size_t bytes) { wire_->room = bytes; }

void FakePeer::unblocks() {
  wire_->room = std::numeric_limits<std::size_t>::max();
  Wire::writable_soon(wire_);
}

void FakePeer::on_bytes(std::function<void(FakePeer)> react) {
  wire_->react = std::move(react);
  Wire::react_soon(wire_);
}

bool FakePeer::is_open() const { return wire_->near_open; }
bool FakePeer::has_ended() const { return wire_->near_ended || !wire_->near_open; }
bool FakePeer::was_reset() const { return wire_->near_reset; }

FakeStream::FakeStream(std::shared_ptr<FakePeer::Wire> wire, const net::Address& peer)
    : wire_(std::move(wire)), peer_(peer) {}

FakeStream::~FakeStream() {
  wire_->near_open = false;
  wire_->near_reset = resets_on_close_;
  wire_->handler = nullptr;
}

void FakeStream::set_handler(net::StreamHandler* handler) { wire_->handler = handler; }

IoResult FakeStream::read(std::span<char> into) {
  if (const std::size_t bytes = std::min(into.size(), wire_->to_near.size()); bytes > 0) {
    std::memcpy(into.data(), wire_->to_near.data(), bytes);
    wire_->to_near.erase(0, bytes);
    return {.state = IoResult::State::Ok, .bytes = bytes};
  }
  if (wire_->far_reset || wire_->far_ended) {
    wire_->near_saw_end = true;
    if (wire_->far_reset) return {.state = IoResult::State::Failed, .error = base::ErrorCode::Reset};
    return {.state = IoResult::State::Closed};
  }
  return {.state = IoResult::State::Blocked};
}

IoResult FakeStream::write(std::span<const iovec> pieces) {
  base::check(!wire_->near_ended, "nobody writes after shutdown_write()");
  if (wire_->far_reset) return {.state = IoResult::State::Failed, .error = base::ErrorCode::Reset};
  IoResult result;
  for (const iovec& piece : pieces) {
    const std::size_t bytes = std::min(piece.iov_len, wire_->room);
    wire_->to_far.append(static_cast<const char*>(piece.iov_base), bytes);
    wire_->room -= bytes;
    result.bytes += bytes;
    if (bytes < piece.iov_len) {
      result.state = IoResult::State::Blocked;
      wire_->write_blocked = true;
      break;
    }
  }
  if (result.bytes > 0 && wire_->far_closed) {
    wire_->far_reset = true;
    FakePeer::Wire::readable_soon(wire_);
  } else if (result.bytes > 0) {
    FakePeer::Wire::react_soon(wire_);
  }
  return result;
}

bool FakeStream::peer_ended() const { return wire_->near_saw_end; }
void FakeStream::shutdown_write() { wire_->near_ended = true; }
void FakeStream::reset_on_close() { resets_on_close_ = true; }

std::pair<std::unique_ptr<FakeStream>, FakePeer> fake_connection(FakeLoop& loop, const net::Address& peer) {
  auto wire = std::make_shared<FakePeer::Wire>(loop);
  return {std::make_unique<FakeStream>(wire, peer), FakePeer(wire)};
}

void FakeServer::accepts() { accepts_after(base::Duration::zero()); }

void FakeServer::accepts_after(base::Duration delay) {
  failure_.reset();
  delay_ = delay;
}

void FakeServer::fails_with(base::ErrorCode code) {
  failure_ = code;
  delay_ = base::Duration::zero();
}

void FakeServer::hangs() {
  failure_.reset();
  delay_.reset();
}

void FakeServer::responds_with(std::string response) {
  on_bytes([this, response = std::move(response)](FakePeer peer) {
    for (std::string head = peer.take_head(); !head.empty(); head = peer.take_head()) {
      heads_.push_back(std::move(head));
      peer.sends(response);
    }
  });
}

FakePeer& FakeServer::last() {
  base::check(!peers_.empty(), "somebody has connected");
  return peers_.back();
}

std::size_t FakeServer::open_count() const {
  return static_cast<std::size_t>(
      std::count_if(peers_.begin(), peers_.end(), [](const FakePeer& peer) { return peer.is_open(); }));
}

void FakeServer::dies() {
  refuses();
  for (FakePeer& peer : peers_) {
    if (peer.is_open()) peer.resets();
  }
}

class FakeDialer::FakeDial final : public net::Dial {
 public:
  using Done = std::function<void(base::Result<std::unique_ptr<net::Stream>>)>;

  FakeDial(FakeDialer& dialer, FakeServer& server, const net::Address& address, base::Duration timeout, Done done)
      : loop_(dialer.loop_),
        under_way_(dialer.under_way_),
        server_(server),
        address_(address),
        done_(std::move(done)),
        failure_(server.failure_) {
    if (!server.delay_ || *server.delay_ > timeout) failure_ = base::ErrorCode::Timeout;
    ++*under_way_;
    timer_ = loop_.timer([this] { finish(); });
    timer_->set(loop_.now() + std::min(timeout, server.delay_.value_or(timeout)));
  }
  ~FakeDial() override {
    if (done_) --*under_way_;
  }

 private:
  void finish() {
    if (!failure_ && !stream_) {
      accept();
      // A turn later the near end is told: events of what the far end did at once have gone by.
      if (server_.greet_) return timer_->set(loop_.now());
    }
    --*under_way_;
    const auto done = std::exchange(done_, nullptr);
    if (failure_) return done(base::Error{*failure_, std::string(base::name_of(*failure_))});
    done(std::unique_ptr<net::Stream>(std::move(stream_)));  // may bury this dial
  }

  void accept() {
    auto [stream, peer] = fake_connection(loop_, address_);
    stream_ = std::move(stream);
    server_.peers_.push_back(peer);
    if (server_.react_) peer.on_bytes(server_.react_);
    if (server_.greet_) server_.greet_(peer);  // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks): in stream_ by now
  }

  FakeLoop& loop_;
  std::shared_ptr<std::size_t> under_way_;  // a dial may be buried until after its dialer is gone
  FakeServer& server_;
  net::Address address_;
  Done done_;
  std::optional<base::ErrorCode> failure_;
  std::unique_ptr<FakeStream> stream_;
  std::unique_ptr<base::Timer> timer_;
};

FakeServer& FakeDialer::at(const net::Address& address) { return servers_[{address.bytes(), address.port()}]; }

std::size_t FakeDialer::open_count() const {
  std::size_t count = 0;
  for (const auto& [key, server] : servers_) count += server.open_count();
  return count;
}

std::unique_ptr<net::Dial> FakeDialer::dial(const net::Address& address, base::Duration timeout,
                                            std::function<void(base::Result<std::unique_ptr<net::Stream>>)> done) {
  FakeServer& server = at(address);
  ++server.dials_;
  return std::make_unique<FakeDial>(*this, server, address, timeout, std::move(done));
}

}  // namespace holdfast::tests
