#include "redis/wire.h"

#include <array>
#include <span>
#include <utility>

namespace holdfast::redis {

namespace {

constexpr std::size_t kReadBytes = 16u << 10;
constexpr std::size_t kWorthMoving = 256u << 10;  // of what a slow server has taken at last
constexpr int kReadsPerTurn = 64;  // then others have their turn: a flood of messages must not stop the loop

}  // namespace

RedisWire::RedisWire(base::Scheduler& scheduler, std::unique_ptr<net::Stream> stream, Owner& owner)
    : stream_(std::move(stream)), owner_(&owner), read_on_(scheduler.timer([this] { read_now(); })) {
  stream_->set_handler(this);
  read_on_->set(scheduler.now());  // what came before there was a handler has had its event
}

RedisWire::~RedisWire() { stream_->set_handler(nullptr); }

void RedisWire::close() {
  owner_ = nullptr;
  stream_->set_handler(nullptr);
  read_on_->cancel();
}

void RedisWire::send(RedisWords words) {
  append_command(output_, words);
  if (!write_blocked_) flush();
}

void RedisWire::flush() {
  write_blocked_ = false;
  while (queued_bytes() > 0) {
    const iovec piece{.iov_base = output_.data() + written_, .iov_len = queued_bytes()};
    const net::IoResult sent = stream_->write(std::span(&piece, 1));
    written_ += sent.bytes;
    if (sent.state == net::IoResult::State::Blocked) {
      write_blocked_ = true;
      return forget_written();
    }
    if (sent.state != net::IoResult::State::Ok) break;  // the reading side learns it too, and tells
  }
  output_.clear();
  written_ = 0;
}

void RedisWire::forget_written() {
  if (written_ < kWorthMoving || written_ < output_.size() / 2) return;
  output_.erase(0, written_);
  written_ = 0;
}

void RedisWire::read_now() {
  for (int reads = 0; reads < kReadsPerTurn; ++reads) {
    if (owner_ == nullptr) return;
    std::array<char, kReadBytes> bytes;  // NOLINT: filled by read
    const net::IoResult got = stream_->read(bytes);
    if (got.bytes > 0) {
      reader_.feed({bytes.data(), got.bytes});
      take_replies();
    }
    switch (got.state) {
      case net::IoResult::State::Ok:
        continue;
      case net::IoResult::State::Blocked:
        return;
      case net::IoResult::State::Closed:
        return broken({base::ErrorCode::Closed, "the server closed the connection"});
      case net::IoResult::State::Failed:
        return broken({got.error, "the connection broke"});
    }
  }
  if (owner_ != nullptr) read_on_->set(base::Instant{});
}

void RedisWire::take_replies() {
  while (owner_ != nullptr) {
    auto reply = reader_.next();
    if (!reply) return broken({reply.error().code, "this is not the Redis protocol: " + reply.error().text});
    if (!*reply) return;
    owner_->on_wire_reply(**std::move(reply));
  }
}

void RedisWire::broken(const base::Error& error) {
  Owner* owner = std::exchange(owner_, nullptr);
  if (owner == nullptr) return;
  close();
  owner->on_wire_broken(error);
}

}  // namespace holdfast::redis
