#include "tests/simulation/lua_redis.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <lua5.1/lua.hpp>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "base/check.h"

namespace holdfast::simulation {

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

bool is_one_of(const std::string& name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

bool is_traced() {
  static const bool is_wanted = std::getenv("HOLDFAST_TRACE") != nullptr;
  return is_wanted;
}

// --- Lua ---

/// One interpreter for the whole test: scripts are compiled once.
struct Engine {
  Engine() : lua(luaL_newstate()) {
    luaL_openlibs(lua);
    lua_newtable(lua);
    lua_pushcfunction(lua, &Engine::call);
    lua_setfield(lua, -2, "call");
    lua_setglobal(lua, "redis");
    lua_newtable(lua);
    lua_pushcfunction(lua, &Engine::decode);
    lua_setfield(lua, -2, "decode");
    lua_pushcfunction(lua, &Engine::encode);
    lua_setfield(lua, -2, "encode");
    lua_setglobal(lua, "cjson");
  }
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine() { lua_close(lua); }

  static Engine& the() {
    static Engine engine;
    return engine;
  }

  void push(const RedisReply& reply) const {
    switch (reply.kind) {
      case Kind::Nil:
        return lua_pushboolean(lua, 0);
      case Kind::Integer:
        return lua_pushnumber(lua, static_cast<double>(reply.integer));
      case Kind::Text:
      case Kind::Error:
        return lua_pushlstring(lua, reply.text.data(), reply.text.size());
      case Kind::Array:
        lua_createtable(lua, static_cast<int>(reply.items.size()), 0);
        for (std::size_t i = 0; i < reply.items.size(); ++i) {
          push(reply.items[i]);
          lua_rawseti(lua, -2, static_cast<int>(i + 1));
        }
    }
  }

  /// As Redis turns what a script answers into a reply: numbers lose their fraction, an array ends at its first nil.
  RedisReply reply_at(int index) const {
    switch (lua_type(lua, index)) {
      case LUA_TNUMBER:
        return integer(static_cast<std::int64_t>(lua_tonumber(lua, index)));
      case LUA_TSTRING:
        return text(text_at(index));
      case LUA_TBOOLEAN:
        return lua_toboolean(lua, index) != 0 ? integer(1) : RedisReply{};
      case LUA_TTABLE: {
        RedisReply out = array();
        for (int i = 1;; ++i) {
          lua_rawgeti(lua, index, i);
          if (lua_isnil(lua, -1)) break;
          out.items.push_back(reply_at(lua_gettop(lua)));
          lua_pop(lua, 1);
        }
        lua_pop(lua, 1);
        return out;
      }
      default:
        return {};
    }
  }

  std::string text_at(int index) const {
    std::size_t size = 0;
    lua_pushvalue(lua, index);  // lua_tolstring changes a number in its place
    const char* bytes = lua_tolstring(lua, -1, &size);
    std::string out = bytes == nullptr ? std::string() : std::string(bytes, size);
    lua_pop(lua, 1);
    return out;
  }

  void set_words(const char* name, const Words& words) const {
    lua_createtable(lua, static_cast<int>(words.size()), 0);
    for (std::size_t i = 0; i < words.size(); ++i) {
      lua_pushlstring(lua, words[i].data(), words[i].size());
      lua_rawseti(lua, -2, static_cast<int>(i + 1));
    }
    lua_setglobal(lua, name);
  }

  void push_script(const redis::RedisScript& script) {
    const auto known = compiled.find(script.sha1());
    if (known != compiled.end()) return lua_rawgeti(lua, LUA_REGISTRYINDEX, known->second);
    const int failed = luaL_loadbuffer(lua, script.source().data(), script.source().size(), script.name().c_str());
    if (failed != 0) std::fprintf(stderr, "%s\n", lua_tostring(lua, -1));
    base::check(failed == 0, "a script compiles");
    lua_pushvalue(lua, -1);
    compiled.emplace(script.sha1(), luaL_ref(lua, LUA_REGISTRYINDEX));
  }

  static int call(lua_State* state) {
    Engine& engine = the();
    Words words;
    for (int i = 1; i <= lua_gettop(state); ++i) words.push_back(engine.text_at(i));
    engine.push(engine.redis->command(words));
    return 1;
  }

  // Flat objects are all that the scripts read and write.
  static int decode(lua_State* state) {
    const auto json = nlohmann::json::parse(the().text_at(1), nullptr, false);
    if (!json.is_object()) {
      lua_pushliteral(state, "not an object");
      return lua_error(state);
    }
    lua_newtable(state);
    for (const auto& [key, value] : json.items()) {
      if (value.is_number()) {
        lua_pushnumber(state, value.get<double>());
      } else {
        const auto string = value.get<std::string>();
        lua_pushlstring(state, string.data(), string.size());
      }
      lua_setfield(state, -2, key.c_str());
    }
    return 1;
  }
  static int encode(lua_State* state) {
    nlohmann::json json = nlohmann::json::object();
    for (lua_pushnil(state); lua_next(state, 1) != 0; lua_pop(state, 1)) {
      const std::string key = the().text_at(-2);
      if (lua_type(state, -1) == LUA_TNUMBER) {
        json[key] = static_cast<std::int64_t>(lua_tonumber(state, -1));
      } else {
        json[key] = the().text_at(-1);
      }
    }
    const std::string out = json.dump();
    lua_pushlstring(state, out.data(), out.size());
    return 1;
  }

  lua_State* lua;
  LuaRedis* redis = nullptr;
  std::unordered_map<std::string, int> compiled;
};

LuaRedis::LuaRedis(Clock clock, Publish publish) : clock_(std::move(clock)), publish_(std::move(publish)) {}

RedisReply LuaRedis::run(const redis::RedisScript& script, const Words& keys, const Words& args) {
  Engine& engine = Engine::the();
  engine.redis = this;
  engine.set_words("KEYS", keys);
  engine.set_words("ARGV", args);
  engine.push_script(script);
  const int failed = lua_pcall(engine.lua, 0, 1, 0);
  if (failed != 0) std::fprintf(stderr, "%s: %s\n", script.name().c_str(), lua_tostring(engine.lua, -1));
  base::check(failed == 0, "a script runs");
  RedisReply reply = engine.reply_at(lua_gettop(engine.lua));
  if (is_traced()) {
    std::fprintf(stderr, "%lld ms: %s", static_cast<long long>(clock_() % 1'000'000), script.name().c_str());
    for (const auto& word : args) std::fprintf(stderr, " %s", word.c_str());
    std::fprintf(stderr, " ->");
    for (const auto& item : reply.items) {
      std::fprintf(stderr, " %s", item.is_integer() ? std::to_string(item.integer).c_str() : item.text.c_str());
    }
    std::fprintf(stderr, "\n");
  }
  lua_settop(engine.lua, 0);
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
  const std::string& key = words[1];
  if (name == "ZADD") {
    const bool only_greater = words[2] == "GT";
    const std::size_t at = only_greater ? 3 : 2;
    auto& scores = make<Scores>(key);
    const double score = number_in(words[at]);
    const auto [place, is_new] = scores.try_emplace(words[at + 1], score);
    if (!is_new && (!only_greater || score > place->second)) place->second = score;
    return integer(is_new ? 1 : 0);
  }
  if (name == "ZREM" || name == "ZREMRANGEBYSCORE") {
    Scores* scores = look<Scores>(key);
    std::int64_t gone = 0;
    if (scores != nullptr && name == "ZREM") {
      gone = static_cast<std::int64_t>(scores->erase(words[2]));
    } else if (scores != nullptr) {
      gone = static_cast<std::int64_t>(std::erase_if(*scores, [&](const auto& entry) {
        return entry.second >= number_in(words[2]) && entry.second <= number_in(words[3]);
      }));
    }
    drop_if_empty(key);
    return integer(gone);
  }
  auto all = ranked(key);
  if (name == "ZCARD") return integer(static_cast<std::int64_t>(all.size()));
  if (name == "ZSCORE") {
    const auto at = std::find_if(all.begin(), all.end(), [&](const auto& entry) { return entry.first == words[2]; });
    return at == all.end() ? RedisReply{} : text(score_text(at->second));
  }
  RedisReply out = array();
  if (name == "ZRANGEBYSCORE") {
    for (const auto& [member, score] : all) {
      if (score >= number_in(words[2]) && score <= number_in(words[3])) out.items.push_back(text(member));
    }
    return out;
  }
  if (name == "ZCOUNT") {
    return integer(std::count_if(all.begin(), all.end(), [&](const auto& entry) {
      return entry.second >= number_in(words[2]) && entry.second <= number_in(words[3]);
    }));
  }
  if (name == "ZREVRANGEBYSCORE") {  // WITHSCORES LIMIT 0 1
    for (auto at = all.rbegin(); at != all.rend() && out.items.empty(); ++at) {
      if (at->second > number_in(words[2]) || at->second < number_in(words[3])) continue;
      out.items.push_back(text(at->first));
      out.items.push_back(text(score_text(at->second)));
    }
    return out;
  }
  base::check(name == "ZRANGE" || name == "ZREVRANGE", "a command this fake knows");
  if (name == "ZREVRANGE") std::reverse(all.begin(), all.end());
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

}  // namespace holdfast::simulation
