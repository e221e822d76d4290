#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "net/stream.h"
#include "redis/resp.h"

namespace holdfast::redis {

/// One connection to a Redis or Sentinel server, once it is made: commands out, replies in, nothing remembered between.
///
/// Its owner buries it; close() before that makes sure that no callback comes any more, so that a response that arrives
/// too late meets nobody.
class RedisWire final : public base::Buried, private net::StreamHandler {
 public:
  class Owner {
   public:
    Owner() = default;
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;
    virtual ~Owner() = default;
    /// Each reply in turn; an error reply is one of Kind::Error.
    virtual void on_wire_reply(RedisReply reply) = 0;
    /// The connection ended or broke the protocol. Comes at most once, and last.
    virtual void on_wire_broken(const base::Error& error) = 0;
  };

  RedisWire(base::Scheduler& scheduler, std::unique_ptr<net::Stream> stream, Owner& owner);
  ~RedisWire() override;

  /// Never calls the owner: a connection that turns out broken says so on a later turn.
  void send(RedisWords words);
  void close();
  /// Bytes sent that the kernel has not taken yet.
  std::size_t queued_bytes() const { return output_.size() - written_; }
  /// Takes in what the kernel has: replies come from inside.
  void read_now();

 private:
  void on_readable() override { read_now(); }
  void on_writable() override { flush(); }
  void flush();
  void forget_written();
  void take_replies();
  void broken(const base::Error& error);

  std::unique_ptr<net::Stream> stream_;
  Owner* owner_;  // null once closed
  RespReader reader_;
  std::string output_;
  std::size_t written_ = 0;  // of output_
  bool write_blocked_ = false;
  std::unique_ptr<base::Timer> read_on_;  // after a turn's share of reading
};

}  // namespace holdfast::redis
