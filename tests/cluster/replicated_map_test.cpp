#include "cluster/replicated_map.h"

#include <doctest/doctest.h>

#include <set>

#include "base/text.h"
#include "tests/support/lua_server.h"

using namespace holdfast;
using namespace holdfast::cluster;
using namespace std::chrono_literals;

namespace {

/// Numbers, of which the larger holds. Redis keeps what it cannot read as "?".
struct NumberCodec {
  using Value = int;
  const std::string& hash() const { return key; }
  std::string text_of(int number) const { return std::to_string(number); }
  std::optional<int> parse(std::string_view text) const {
    const auto number = base::parse_decimal(text);
    return number ? std::optional(static_cast<int>(*number)) : std::nullopt;
  }
  bool is_later(int ours, int theirs) const { return ours > theirs; }
  void on_unreadable(redis::Redis& redis, const std::string& field) const { redis.send({"HDEL", key, field}); }
  std::unique_ptr<redis::RedisCall> put(redis::Redis& redis, const std::string& field, const Sent<int>& number, Put how,
                                        redis::Redis::Done done) const {
    static const redis::RedisScript script("number_put", R"lua(
local old = redis.call('HGET', KEYS[1], ARGV[1])
if old and ARGV[3] == 'offer' and tonumber(old) > tonumber(ARGV[2]) then return old end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return ARGV[2]
)lua");
    return redis.run(script, {key}, {field, number.text, how == Put::Now ? "now" : "offer"}, std::move(done));
  }
  std::string key = "numbers";
};

using Map = ReplicatedMap<NumberCodec>;

/// One process with its copy.
struct Process final : private Map::Copy {
  Process(tests::FakeLoop& loop, tests::LuaServer& redis)
      : link(redis.link(nullptr)), map(loop, link.get(), NumberCodec{}, *this) {}

  void set(const std::string& key, int number) {
    copy[key] = number;
    map.put(key);
  }
  std::map<std::string, int> copy;
  int adoptions = 0;
  std::unique_ptr<tests::LuaLink> link;
  Map map;

 private:
  std::optional<int> find(const std::string& key) const override {
    const auto at = copy.find(key);
    return at == copy.end() ? std::nullopt : std::optional(at->second);
  }
  std::vector<std::string> keys() const override {
    std::vector<std::string> keys;
    for (const auto& [key, number] : copy) keys.push_back(key);
    return keys;
  }
  bool adopt(const std::string& key, const int& number) override {
    const bool is_news = std::exchange(copy[key], number) != number;
    adoptions += is_news ? 1 : 0;
    return is_news;
  }
};

struct Fixture {
  void settle() { loop.advance(10ms); }
  /// Each hears of a change, and reads.
  void read(std::uint64_t version) {
    for (Process* process : {&one, &two}) process->map.on_version(version);
    settle();
  }
  void reconnect() {
    redis.up();
    for (Process* process : {&one, &two}) process->map.on_gap();
  }

  tests::FakeLoop loop;
  tests::LuaServer redis{loop};
  Process one{loop, redis};
  Process two{loop, redis};
};

using Copy = std::map<std::string, int>;

}  // namespace

TEST_CASE("replicated map: what one puts all read, once Redis has confirmed it") {
  Fixture f;
  f.one.set("a", 7);
  CHECK(f.one.map.unconfirmed() == 1);
  f.settle();
  CHECK(f.one.map.unconfirmed() == 0);
  CHECK(f.two.copy.empty());
  f.read(1);
  CHECK(f.two.copy == Copy{{"a", 7}});
  CHECK(f.two.map.version() == 1);
  f.read(1);
  CHECK_MESSAGE(f.two.adoptions == 1, "nothing is read twice");
}

TEST_CASE("replicated map: what is put while Redis is away is offered after the gap, and may have to give way") {
  Fixture f;
  f.redis.down();
  f.one.set("a", 7);
  f.one.set("b", 1);
  f.two.set("b", 2);
  f.settle();
  CHECK(f.one.map.unconfirmed() == 2);
  f.reconnect();
  f.read(1);
  f.read(2);
  for (Process* process : {&f.one, &f.two}) {
    CHECK(process->copy == Copy{{"a", 7}, {"b", 2}});
    CHECK(process->map.unconfirmed() == 0);
  }
}

TEST_CASE("replicated map: what Redis has lost it is given again") {
  Fixture f;
  f.one.set("a", 7);
  f.settle();
  f.read(1);
  f.redis.lose_all();
  CHECK(f.redis.hash_size("numbers") == 0);
  f.reconnect();
  f.read(0);
  CHECK(f.redis.hash_size("numbers") == 1);
  CHECK(f.one.copy == Copy{{"a", 7}});
}

TEST_CASE("replicated map: what is put during a reading outweighs what was read") {
  Fixture f;
  f.two.set("a", 7);
  f.settle();
  f.one.map.on_version(1);
  f.one.set("a", 9);
  f.settle();
  CHECK(f.one.copy == Copy{{"a", 9}});
  CHECK_MESSAGE(f.one.map.version() == 1, "it was read once more");
  f.read(2);
  CHECK(f.two.copy == Copy{{"a", 9}});
}

TEST_CASE("replicated map: only so many puts are under way, the rest follows with the next reading") {
  Fixture f;
  f.redis.down();
  const std::size_t count = Map::kPutsUnderWayMax + 10;
  for (std::size_t i = 0; i < count; ++i) f.one.set(std::to_string(i), 1);
  f.reconnect();
  f.read(1);
  CHECK(f.redis.hash_size("numbers") == Map::kPutsUnderWayMax);
  f.read(2);
  CHECK(f.redis.hash_size("numbers") == count);
  CHECK(f.one.map.unconfirmed() == 0);
}

TEST_CASE("replicated map: what nobody can read is for the codec to end") {
  Fixture f;
  f.one.link->send({"HSET", "numbers", "a", "?"});
  f.read(1);
  CHECK(f.one.copy.empty());
  CHECK(f.redis.hash_size("numbers") == 0);
}

TEST_CASE("replicated map: without Redis the copy is all there is") {
  tests::FakeLoop loop;
  struct Nothing final : Map::Copy {
    std::optional<int> find(const std::string&) const override { return 1; }
    std::vector<std::string> keys() const override { return {"a"}; }
    bool adopt(const std::string&, const int&) override { return true; }
  } copy;
  Map map(loop, nullptr, NumberCodec{}, copy);
  map.put("a");
  map.on_version(1);
  map.on_gap();
  CHECK(map.unconfirmed() == 0);
  CHECK(map.version() == 0);
}
