#include "tests/support/lua_redis.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>

#include "base/check.h"

namespace holdfast::tests {

using redis::RedisReply;
using Kind = RedisReply::Kind;
using Words = LuaRedis::Words;

namespace {

RedisReply integer(std::int64_t value) { return {.kind = Kind::Integer, .integer = value}; }
RedisReply text(std::string value) { return {.kind = Kind::Text, .text = std::move(value)}; }
RedisReply status_ok() { return text("OK"); }
RedisReply array() { return {.kind = Kind::Array}; }

double number_in(const std::string& word) {
  if (word == "-inf") return -std::numeric_limits<double>::infinity();
  if (word == "+inf") return std::numeric_limits<double>::infinity();
  return std::stod(word);
}

/// As Redis writes a score: whole numbers without a point.
std::string score_text(double score) {
  if (score == std::floor(score) && std::abs(score) < 1e15) return std::to_string(static_cast<std::int64_t>(score));
  return std::to_string(score);
}

bool is_within(double score, const std::string& least, const std::string& most) {
  return score >= number_in(least) && score <= number_in(most);
}

bool is_one_of(const std::string& name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

LuaRedis::LuaRedis(Clock clock, Publish publish) : clock_(std::move(clock)), publish_(std::move(publish)) {}

RedisReply LuaRedis::run(const redis::RedisScript& script, const Words& keys, const Words& args) {
  RedisReply reply = run_lua(script, keys, args, [this](const Words& words) { return command(words); });
  if (is_traced()) {
    std::fprintf(stderr, "%lld ms: %s", static_cast<long long>(clock_() % 1'000'000), script.name().c_str());
    for (const auto& word : args) std::fprintf(stderr, " %s", word.c_str());
    std::fprintf(stderr, " ->");
    for (const auto& item : reply.items) {
      std::fprintf(stderr, " %s", item.is_integer() ? std::to_string(item.integer).c_str() : item.text.c_str());
    }
    std::fprintf(stderr, "\n");
  }
  return reply;
}

// --- commands ---

LuaRedis::Value* LuaRedis::find(const std::string& key) {
  const auto at = keys_.find(key);
  if (at == keys_.end()) return nullptr;
  if (!at->second.expires || *at->second.expires > clock_()) return &at->second;
  keys_.erase(at);
  return nullptr;
}

template <class T>
T* LuaRedis::look(const std::string& key) {
  Value* value = find(key);
  return value == nullptr ? nullptr : &std::get<T>(value->data);
}

template <class T>
T& LuaRedis::make(const std::string& key) {
  if (find(key) == nullptr) keys_[key].data = T{};
  return std::get<T>(keys_[key].data);
}

void LuaRedis::drop_if_empty(const std::string& key) {
  const Value* value = find(key);
  if (value == nullptr) return;
  const bool is_empty = std::visit([](const auto& data) { return data.empty(); }, value->data);
  if (is_empty && !std::holds_alternative<std::string>(value->data)) keys_.erase(key);
}

std::optional<std::string> LuaRedis::get(const std::string& key) {
  const std::string* held = look<std::string>(key);
  return held == nullptr ? std::nullopt : std::optional(*held);
}

std::vector<std::pair<std::string, double>> LuaRedis::ranked(const std::string& key) {
  const Scores* scores = look<Scores>(key);
  if (scores == nullptr) return {};
  std::vector<std::pair<std::string, double>> out(scores->begin(), scores->end());
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return out;
}

RedisReply LuaRedis::command(const Words& words) {
  base::check(!words.empty(), "a command has a name");
  const std::string& name = words[0];
  if (name == "PING") return text("PONG");
  if (name == "TIME") {
    RedisReply out = array();
    out.items = {text(std::to_string(clock_() / 1000)), text(std::to_string(clock_() % 1000 * 1000))};
    return out;
  }
  if (name == "PUBLISH") {
    publish_(words[1], words[2]);
    return integer(1);
  }
  if (name == "DEL") return integer(static_cast<std::int64_t>(keys_.erase(words[1])));
  if (name == "PEXPIRE" || name == "EXPIRE") {
    Value* value = find(words[1]);
    if (value == nullptr) return integer(0);
    const std::int64_t until =
        clock_() + static_cast<std::int64_t>(number_in(words[2]) * (name == "EXPIRE" ? 1000.0 : 1.0));
    base::check(words.size() == 3, "options of EXPIRE are for Redis 7.0 and later");
    value->expires = until;
    return integer(1);
  }
  if (name == "PTTL") {
    const Value* value = find(words[1]);
    if (value == nullptr) return integer(-2);
    return integer(value->expires ? *value->expires - clock_() : -1);
  }
  if (is_one_of(name, {"GET", "SET", "INCR"})) return on_string(words);
  if (name[0] == 'H') return on_hash(words);
  return on_sorted_set(words);
}

RedisReply LuaRedis::on_string(const Words& words) {
  const std::string& key = words[1];
  if (words[0] == "GET") {
    const std::string* held = look<std::string>(key);
    return held == nullptr ? RedisReply{} : text(*held);
  }
  if (words[0] == "INCR") {
    auto& held = make<std::string>(key);
    const std::int64_t next = (held.empty() ? 0 : std::stoll(held)) + 1;
    held = std::to_string(next);
    return integer(next);
  }
  Value value{words[2], std::nullopt};
  if (words.size() > 4) {
    base::check(words[3] == "PX", "SET with PX");
    value.expires = clock_() + static_cast<std::int64_t>(number_in(words[4]));
  }
  keys_[key] = std::move(value);
  ++changes_;
  return status_ok();
}

RedisReply LuaRedis::on_hash(const Words& words) {
  const std::string& key = words[1];
  if (words[0] == "HSET") {
    auto& hash = make<Hash>(key);
    for (std::size_t i = 2; i + 1 < words.size(); i += 2) hash[words[i]] = words[i + 1];
    return integer(1);
  }
  Hash* hash = look<Hash>(key);
  if (words[0] == "HDEL") {
    const std::int64_t gone = hash == nullptr ? 0 : static_cast<std::int64_t>(hash->erase(words[2]));
    drop_if_empty(key);
    return integer(gone);
  }
  const auto value_of = [&](const std::string& field) {
    if (hash == nullptr) return RedisReply{};
    const auto at = hash->find(field);
    return at == hash->end() ? RedisReply{} : text(at->second);
  };
  if (words[0] == "HGET") return value_of(words[2]);
  RedisReply out = array();
  if (words[0] == "HMGET") {
    for (std::size_t i = 2; i < words.size(); ++i) out.items.push_back(value_of(words[i]));
    return out;
  }
  base::check(words[0] == "HGETALL", "a command of hashes this fake knows");
  if (hash == nullptr) return out;
  for (const auto& [field, value] : *hash) {
    out.items.push_back(text(field));
    out.items.push_back(text(value));
  }
  return out;
}

RedisReply LuaRedis::on_sorted_set(const Words& words) {
  const std::string& name = words[0];
  if (name == "ZADD") return on_zadd(words);
  if (is_one_of(name, {"ZREM", "ZREMRANGEBYSCORE"})) return on_zrem(words);
  if (is_one_of(name, {"ZRANGE", "ZREVRANGE"})) return by_rank(words);
  return by_score(words);
}

RedisReply LuaRedis::on_zadd(const Words& words) {
  const bool only_greater = words[2] == "GT";
  const std::size_t at = only_greater ? 3 : 2;
  auto& scores = make<Scores>(words[1]);
  const double score = number_in(words[at]);
  const auto [place, is_new] = scores.try_emplace(words[at + 1], score);
  if (!is_new && (!only_greater || score > place->second)) place->second = score;
  return integer(is_new ? 1 : 0);
}

RedisReply LuaRedis::on_zrem(const Words& words) {
  Scores* scores = look<Scores>(words[1]);
  std::int64_t gone = 0;
  if (scores != nullptr && words[0] == "ZREM") {
    gone = static_cast<std::int64_t>(scores->erase(words[2]));
  } else if (scores != nullptr) {
    gone = static_cast<std::int64_t>(
        std::erase_if(*scores, [&](const auto& entry) { return is_within(entry.second, words[2], words[3]); }));
  }
  drop_if_empty(words[1]);
  return integer(gone);
}

RedisReply LuaRedis::by_score(const Words& words) {
  const std::string& name = words[0];
  const auto all = ranked(words[1]);
  if (name == "ZCARD") return integer(static_cast<std::int64_t>(all.size()));
  if (name == "ZSCORE") {
    const auto at = std::find_if(all.begin(), all.end(), [&](const auto& entry) { return entry.first == words[2]; });
    return at == all.end() ? RedisReply{} : text(score_text(at->second));
  }
  if (name == "ZCOUNT") {
    return integer(std::count_if(all.begin(), all.end(),
                                 [&](const auto& entry) { return is_within(entry.second, words[2], words[3]); }));
  }
  RedisReply out = array();
  if (name == "ZRANGEBYSCORE") {
    for (const auto& [member, score] : all) {
      if (is_within(score, words[2], words[3])) out.items.push_back(text(member));
    }
    return out;
  }
  base::check(name == "ZREVRANGEBYSCORE", "a command this fake knows");  // WITHSCORES LIMIT 0 1
  for (auto at = all.rbegin(); at != all.rend() && out.items.empty(); ++at) {
    if (!is_within(at->second, words[3], words[2])) continue;
    out.items.push_back(text(at->first));
    out.items.push_back(text(score_text(at->second)));
  }
  return out;
}

RedisReply LuaRedis::by_rank(const Words& words) {
  auto all = ranked(words[1]);
  if (words[0] == "ZREVRANGE") std::reverse(all.begin(), all.end());
  RedisReply out = array();
  auto last = static_cast<std::int64_t>(number_in(words[3]));
  if (last < 0) last += static_cast<std::int64_t>(all.size());
  for (auto i = static_cast<std::int64_t>(number_in(words[2])); i <= last; ++i) {
    if (i >= static_cast<std::int64_t>(all.size())) break;
    const auto& [member, score] = all[static_cast<std::size_t>(i)];
    out.items.push_back(text(member));
    if (words.size() > 4) out.items.push_back(text(score_text(score)));
  }
  return out;
}

}  // namespace holdfast::tests
