#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "redis/redis.h"
#include "tests/support/lua_engine.h"

namespace holdfast::tests {

/// A Redis in memory that runs the product's own scripts, in the Lua that Redis has (5.1). It knows the commands those
/// use, as Redis 6.2 has them, and stops the test at any other. Time is what the clock says, in milliseconds.
class LuaRedis {
 public:
  using Clock = std::function<std::int64_t()>;
  using Publish = std::function<void(const std::string& channel, const std::string& message)>;
  using Words = LuaWords;

  LuaRedis(Clock clock, Publish publish);

  redis::RedisReply command(const Words& words);
  redis::RedisReply run(const redis::RedisScript& script, const Words& keys, const Words& args);
  /// A restart without anything on disk.
  void lose_all() {
    keys_.clear();
    ++changes_;
  }

  /// Rises with each change of a string key.
  std::uint64_t changes() const { return changes_; }
  /// A string key's value.
  std::optional<std::string> get(const std::string& key);

 private:
  using Scores = std::map<std::string, double, std::less<>>;
  using Hash = std::map<std::string, std::string, std::less<>>;
  struct Value {
    std::variant<std::string, Scores, Hash> data;
    std::optional<std::int64_t> expires;
  };

  Value* find(const std::string& key);
  template <class T>
  T& make(const std::string& key);
  template <class T>
  T* look(const std::string& key);
  void drop_if_empty(const std::string& key);
  std::vector<std::pair<std::string, double>> ranked(const std::string& key);

  redis::RedisReply on_string(const Words& words);
  redis::RedisReply on_sorted_set(const Words& words);
  redis::RedisReply on_zadd(const Words& words);
  redis::RedisReply on_zrem(const Words& words);
  redis::RedisReply by_score(const Words& words);
  redis::RedisReply by_rank(const Words& words);
  redis::RedisReply on_hash(const Words& words);

  Clock clock_;
  Publish publish_;
  std::map<std::string, Value> keys_;
  std::uint64_t changes_ = 0;
};

}  // namespace holdfast::tests
