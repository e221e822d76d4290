#include "redis/resp.h"

#include <hiredis/read.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/check.h"

namespace holdfast::redis {

namespace {

// The reader builds our replies directly: no second tree to copy from, and the limits are ours.

/// Where the object of `task` goes: a new root, or the next place in its array. Arrays grow as their items come, never
/// by what their head promises; only the last item of each can still be under construction, so pointers to it hold.
RedisReply* place_for(const redisReadTask* task) {
  if (task->parent == nullptr) return new RedisReply;  // NOLINT: handed to the reader, taken back in next()
  return &static_cast<RedisReply*>(task->parent->obj)->items.emplace_back();
}

void* create_string(const redisReadTask* task, char* bytes, std::size_t length) noexcept {
  RedisReply* reply = place_for(task);
  reply->kind = task->type == REDIS_REPLY_ERROR ? RedisReply::Kind::Error : RedisReply::Kind::Text;
  reply->text.assign(bytes, length);
  return reply;
}
void* create_array(const redisReadTask* task, int) noexcept {
  RedisReply* reply = place_for(task);
  reply->kind = RedisReply::Kind::Array;
  return reply;
}
void* create_integer(const redisReadTask* task, long long value) noexcept {
  RedisReply* reply = place_for(task);
  reply->kind = RedisReply::Kind::Integer;
  reply->integer = value;
  return reply;
}
void* create_nil(const redisReadTask* task) noexcept { return place_for(task); }
void free_object(void* reply) noexcept { delete static_cast<RedisReply*>(reply); }  // NOLINT: see place_for

redisReplyObjectFunctions kBuilders{create_string, create_array, create_integer, create_nil, free_object};

void append_length(std::string& out, char mark, std::size_t length) {
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.begin(), digits.end(), length).ptr;
  out += mark;
  out.append(digits.begin(), end);
  out += "\r\n";
}

}  // namespace

void append_command(std::string& out, RedisWords words) {
  base::check(!words.empty(), "a Redis command has a name");
  append_length(out, '*', words.size());
  for (const std::string_view word : words) {
    append_length(out, '$', word.size());
    out.append(word).append("\r\n");
  }
}

void RespReader::Deleter::operator()(redisReader* reader) const { redisReaderFree(reader); }

RespReader::RespReader() : reader_(redisReaderCreateWithFunctions(&kBuilders)) {
  base::check(reader_ != nullptr, "there is memory for a reader");
}

void RespReader::feed(std::string_view bytes) {
  unfinished_bytes_ += bytes.size();
  if (unfinished_bytes_ <= kReplyBytesMax) redisReaderFeed(reader_.get(), bytes.data(), bytes.size());
}

base::Result<std::optional<RedisReply>> RespReader::next() {
  if (unfinished_bytes_ > kReplyBytesMax) return base::Error{base::ErrorCode::TooLarge, "a reply that is too long"};
  void* got = nullptr;
  if (redisReaderGetReply(reader_.get(), &got) != REDIS_OK) {
    return base::Error{base::ErrorCode::Malformed, reader_->errstr};
  }
  if (got == nullptr) return std::optional<RedisReply>{};
  const std::unique_ptr<RedisReply> reply(static_cast<RedisReply*>(got));
  unfinished_bytes_ = reader_->len - reader_->pos;
  return std::optional<RedisReply>{std::move(*reply)};
}

std::string_view error_word(std::string_view text) {
  // Before 7.0 Redis wraps what a command inside a script met:
  // "ERR Error running script (call to f_SHA): @user_script:9: @user_script: 9: -READONLY You can't write ..."
  constexpr std::string_view kCause = ": -";
  if (text.starts_with("ERR Error running script")) {
    if (const std::size_t at = text.find(kCause); at != std::string_view::npos) text.remove_prefix(at + kCause.size());
  }
  return text.substr(0, text.find(' '));
}

base::Error error_of_reply(std::string_view text) {
  static constexpr std::string_view kCannotServe[] = {"READONLY", "OOM",         "LOADING", "MASTERDOWN", "NOREPLICAS",
                                                      "MISCONF",  "CLUSTERDOWN", "BUSY",    "TRYAGAIN",   "NOAUTH"};
  const std::string_view word = error_word(text);
  auto code = base::ErrorCode::Invalid;
  if (std::find(std::begin(kCannotServe), std::end(kCannotServe), word) != std::end(kCannotServe)) {
    code = base::ErrorCode::Unavailable;
  } else if (word == "WRONGTYPE") {
    code = base::ErrorCode::Malformed;
  }
  return {code, std::string(text)};
}

}  // namespace holdfast::redis
