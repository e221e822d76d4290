#include "tests/support/lua_engine.h"

#include <cstdio>
#include <cstdlib>
#include <lua5.1/lua.hpp>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "base/check.h"

namespace holdfast::tests {

using redis::RedisReply;
using Kind = RedisReply::Kind;

namespace {

RedisReply integer(std::int64_t value) { return {.kind = Kind::Integer, .integer = value}; }
RedisReply text(std::string value) { return {.kind = Kind::Text, .text = std::move(value)}; }
RedisReply array() { return {.kind = Kind::Array}; }

/// One interpreter for the whole test.
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

  void set_words(const char* name, const LuaWords& words) const {
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
    LuaWords words;
    for (int i = 1; i <= lua_gettop(state); ++i) words.push_back(engine.text_at(i));
    engine.push((*engine.command)(words));
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
  const LuaCommand* command = nullptr;  // of the script that runs
  std::unordered_map<std::string, int> compiled;
};

}  // namespace

bool is_traced() {
  static const bool is_wanted = std::getenv("HOLDFAST_TRACE") != nullptr;
  return is_wanted;
}

RedisReply run_lua(const redis::RedisScript& script, const LuaWords& keys, const LuaWords& args,
                   const LuaCommand& command) {
  Engine& engine = Engine::the();
  engine.command = &command;
  engine.set_words("KEYS", keys);
  engine.set_words("ARGV", args);
  engine.push_script(script);
  const int failed = lua_pcall(engine.lua, 0, 1, 0);
  if (failed != 0) std::fprintf(stderr, "%s: %s\n", script.name().c_str(), lua_tostring(engine.lua, -1));
  base::check(failed == 0, "a script runs");
  RedisReply reply = engine.reply_at(lua_gettop(engine.lua));
  lua_settop(engine.lua, 0);
  return reply;
}

}  // namespace holdfast::tests
