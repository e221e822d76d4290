#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "redis/redis.h"

struct redisReader;

/// The protocol of Redis (RESP2) as bytes: commands out, replies in. Pure.
///
/// Replies are parsed by hiredis' reader. Its asynchronous layer is not used: in 0.14 a reply nobody asked for stops
/// the process by an assert, and in subscriber mode the response to PING never reaches its callback.
namespace holdfast::redis {

/// Appends one command.
void append_command(std::string& out, RedisWords words);

/// Cuts a stream of bytes into replies.
class RespReader {
 public:
  RespReader();

  void feed(std::string_view bytes);
  /// The next whole reply; nullopt: more bytes are needed. An error reply is one of Kind::Error. Malformed or TooLarge:
  /// the connection is of no more use, and the response stays the same.
  base::Result<std::optional<RedisReply>> next();

  /// One reply with all that is inside it.
  static constexpr std::size_t kReplyBytesMax = 64u << 20;

 private:
  struct Deleter {
    void operator()(redisReader* reader) const;
  };
  std::unique_ptr<redisReader, Deleter> reader_;
  std::size_t unfinished_bytes_ = 0;  // fed since the last whole reply
};

/// What an error reply means to whoever sent the command.
base::Error error_of_reply(std::string_view text);
/// Its first word: "WRONGTYPE", "ERR".
std::string_view error_word(std::string_view text);

}  // namespace holdfast::redis
