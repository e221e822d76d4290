#include "redis/handshake.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace holdfast;
using namespace holdfast::redis;
using Kind = RedisReply::Kind;
using Commands = std::vector<RedisHandshake::Command>;

namespace {

RedisReply text(std::string words) { return {.kind = Kind::Text, .text = std::move(words)}; }
RedisReply error(std::string words) { return {.kind = Kind::Error, .text = std::move(words)}; }
RedisReply role(std::string word) { return {.kind = Kind::Array, .items = {text(std::move(word))}}; }

}  // namespace

TEST_CASE("redis handshake: what is asked") {
  conf::Redis redis;
  CHECK(RedisHandshake(redis, {}).commands() == Commands{{"ROLE"}});
  redis.password = "pw";
  redis.db = 2;
  CHECK(RedisHandshake(redis, {}).commands() == Commands{{"AUTH", "pw"}, {"SELECT", "2"}, {"ROLE"}});
  redis.user = "proxy";
  const RedisScript script("s", "return 1");
  CHECK(RedisHandshake(redis, {script}).commands() ==
        Commands{{"AUTH", "proxy", "pw"}, {"SELECT", "2"}, {"ROLE"}, {"SCRIPT", "LOAD", "return 1"}});
}

TEST_CASE("redis handshake: which answers will not do, and why") {
  struct Row {
    const char* why;
    std::vector<RedisReply> replies;  // to AUTH, SELECT, ROLE, SCRIPT LOAD
    const char* reason;               // of the last; empty: all is well
    bool is_stubborn;
  };
  const RedisScript script("s", "return 1");
  const RedisReply ok = text("OK");
  const Row rows[] = {
      {"all well", {ok, ok, role("master"), text(script.sha1())}, "", false},
      {"wrong password", {error("WRONGPASS invalid username-password pair or user is disabled.")}, "auth", true},
      {"none is wanted", {error("ERR AUTH <password> called without any password configured")}, "auth", true},
      {"an echo", {error("ERR unknown command 'AUTH', with args beginning with: 'topsecret'")}, "auth", true},
      {"no such database", {ok, error("ERR DB index is out of range")}, "select", true},
      {"a replica", {ok, ok, role("slave")}, "read_only_replica", false},
      {"a sentinel", {ok, ok, role("sentinel")}, "read_only_replica", false},
      {"may not ask", {ok, ok, error("NOPERM this user has no permissions")}, "no_permission", true},
      {"still loading", {ok, ok, error("LOADING Redis is loading the dataset in memory")}, "loading", false},
      {"no role", {ok, ok, ok}, "malformed", false},
      {"an empty role", {ok, ok, RedisReply{.kind = Kind::Array}}, "malformed", false},
      {"another hash", {ok, ok, role("master"), text("0000")}, "malformed", false},
      {"a bad script", {ok, ok, role("master"), error("ERR Error compiling script")}, "server_error", false},
      {"one too many", {ok, ok, role("master"), text(script.sha1()), ok}, "malformed", false},
      {"protected", {error("DENIED Redis is running in protected mode")}, "denied", true},
  };
  conf::Redis redis;
  redis.password = "topsecret";
  redis.db = 2;
  for (const Row& row : rows) {
    INFO(std::string(row.why));
    RedisHandshake handshake(redis, {script});
    std::optional<RedisState> bad;
    for (const RedisReply& reply : row.replies) {
      CHECK_FALSE(bad);
      bad = handshake.judge(reply);
    }
    CHECK((bad ? bad->reason : "") == row.reason);
    if (!bad) {
      CHECK(handshake.is_done());
      continue;
    }
    CHECK(is_stubborn(*bad) == row.is_stubborn);
    CHECK(bad->detail.find("topsecret") == std::string::npos);
    CHECK_FALSE(bad->detail.empty());
  }
}
