#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "redis/redis.h"

namespace holdfast::tests {

inline redis::RedisReply text_reply(std::string_view text) {
  return {.kind = redis::RedisReply::Kind::Text, .text = std::string(text)};
}
inline redis::RedisReply number_reply(std::int64_t number) {
  return {.kind = redis::RedisReply::Kind::Integer, .integer = number};
}
inline redis::RedisReply list_reply(std::vector<redis::RedisReply> items) {
  return {.kind = redis::RedisReply::Kind::Array, .items = std::move(items)};
}

/// A link in the test's hands: what is asked waits until the test responds, what is only told is remembered.
///
/// It allows less than redis::Redis does: a call must live until its response has returned. sessions/ keeps to that, as
/// docs/ownership.md wants it.
class ManualRedis final : public redis::Redis {
 public:
  using Words = std::vector<std::string>;
  struct Told {
    std::string name;  ///< Of the script, or the command.
    Words words;       ///< Its arguments without its keys, or all words of the command.
  };

  using Redis::call;
  using Redis::run;
  using Redis::send;
  std::unique_ptr<redis::RedisCall> call(redis::RedisWords words, Done done) override {
    return ask({std::string(words[0]), {words.begin(), words.end()}}, std::move(done));
  }
  std::unique_ptr<redis::RedisCall> run(const redis::RedisScript& script, redis::RedisWords, redis::RedisWords args,
                                        Done done) override {
    return ask({script.name(), {args.begin(), args.end()}}, std::move(done));
  }
  void send(redis::RedisWords words) override { told.push_back({std::string(words[0]), {words.begin(), words.end()}}); }
  void send(const redis::RedisScript& script, redis::RedisWords, redis::RedisWords args) override {
    told.push_back({script.name(), {args.begin(), args.end()}});
  }
  bool is_up() const override { return up; }
  const redis::RedisState& state() const override { return state_; }
  const redis::RedisCounts& counts() const override { return counts_; }
  base::Duration latency() const override { return {}; }

  /// The response to the oldest question; nobody may wait for it any more.
  void respond(base::Result<redis::RedisReply> reply) {
    REQUIRE_FALSE(asked_.empty());
    Handle* const handle = asked_.front().handle;
    asked_.pop_front();
    if (handle != nullptr) handle->finish(std::move(reply));
  }
  void respond(std::string_view word) { respond(list_reply({text_reply(word)})); }
  void fail(base::ErrorCode code) { respond(base::Error{code, "as the test wants it"}); }

  std::size_t asked() const { return asked_.size(); }
  /// The oldest question.
  const Told& question() const {
    REQUIRE_FALSE(asked_.empty());
    return asked_.front().what;
  }
  /// Somebody still waits for the oldest question.
  bool is_waited_for() const { return !asked_.empty() && asked_.front().handle != nullptr; }

  bool up = true;
  std::vector<Told> told;

 private:
  class Handle final : public redis::RedisCall {
   public:
    Handle(ManualRedis& home, Done done) : home_(home), done_(std::move(done)) {}
    ~Handle() override {
      if (!is_answered_) home_.forget(this);
    }
    void finish(base::Result<redis::RedisReply> reply) {
      done_(std::move(reply));
      is_answered_ = true;  // if it was destroyed meanwhile, AddressSanitizer says so here
    }

   private:
    ManualRedis& home_;
    const Done done_;
    bool is_answered_ = false;
  };
  struct Asked {
    Told what;
    Handle* handle;  // null: nobody waits any more
  };

  std::unique_ptr<redis::RedisCall> ask(Told what, Done done) {
    auto handle = std::make_unique<Handle>(*this, std::move(done));
    asked_.push_back({std::move(what), handle.get()});
    return handle;
  }
  void forget(const Handle* handle) {
    for (Asked& asked : asked_) {
      if (asked.handle == handle) asked.handle = nullptr;
    }
  }

  std::deque<Asked> asked_;
  const redis::RedisState state_{redis::RedisState::Word::Ok};
  const redis::RedisCounts counts_{};
};

}  // namespace holdfast::tests
