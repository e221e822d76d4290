// Ends on their way to Redis and to the other proxies: who is waited for, and what becomes of those that Redis missed.
#include "sessions/redis_ends.h"

#include <doctest/doctest.h>

#include <memory>
#include <optional>

#include "tests/sessions/manual_redis.h"
#include "tests/support/fake_loop.h"

using namespace holdfast;
using namespace holdfast::sessions;
using namespace holdfast::tests;
using namespace std::chrono_literals;

namespace {

constexpr Key kKey{1, 2};

struct Handler final : StoreHandler {
  void on_binding(const BindResult&) override {}
  void on_admission(Admission) override {}
  void on_published() override {
    ++ended;
    question.reset();
  }
  std::unique_ptr<Question> question;
  int ended = 0;
};

struct Fixture {
  void end(Ending ending = Ending::Mark, Generation known = Generation{3}) {
    handler.question = ends.end("shop", kKey, known, ending, handler);
  }
  /// The script's reply: the end has this generation, and these hear of it.
  void respond(const std::vector<std::string>& subscribers) {
    std::vector<redis::RedisReply> texts;
    texts.reserve(subscribers.size());
    for (const std::string& subscriber : subscribers) texts.push_back(text_reply(subscriber));
    redis.respond(list_reply({text_reply("4"), list_reply(texts)}));
  }
  /// "SELF HANDLER NUMBER", as the others send it back.
  void ack(const std::string& address, std::string_view subscriber) {
    const std::string payload = address.substr(address.find(' ') + 1) + " " + std::string(subscriber);
    const auto parsed = parse_ack(payload);
    REQUIRE(parsed);
    copy_lease.deliver(parsed->handler, parsed->number, parsed->subscriber);
    loop.run();
  }

  FakeLoop loop;
  ManualRedis redis;
  RedisScripts scripts{redis, {"hf"}, 1h};
  CopyLease copy_lease{"lb1"};
  RedisEnds ends{scripts, copy_lease, loop, {.idle_timeout = 1h, .patience = 100ms}};
  Handler handler;
};

}  // namespace

TEST_CASE("an end is known when every proxy that hears has said so") {
  Fixture f;
  f.end();
  REQUIRE(f.handler.question);
  const ManualRedis::Told asked = f.redis.question();
  CHECK(asked.name == "end");
  CHECK(asked.words[4] == "mark");
  CHECK(asked.words[5] == "3");
  const std::string address = asked.words[6];
  f.ack(address, "lb2");  // faster than the script's reply
  f.respond({"lb2", "lb3"});
  CHECK(f.handler.ended == 0);
  f.ack(address, "lb3");
  CHECK(f.handler.ended == 1);
  f.loop.advance(1s);
  CHECK(f.handler.ended == 1);
  CHECK(f.ends.untold() == 0);
}

TEST_CASE("nobody hears: there is nobody to wait for") {
  Fixture f;
  f.end(Ending::Forget, Generation::None);
  CHECK(f.redis.question().words[4] == "forget");
  CHECK(f.redis.question().words[5] == "0");
  f.respond({});
  CHECK(f.handler.ended == 1);
}

TEST_CASE("a proxy that says nothing is waited for as long as patience lasts") {
  Fixture f;
  f.end();
  f.loop.advance(30ms);
  f.respond({"lb2"});
  f.loop.advance(69ms);
  CHECK(f.handler.ended == 0);
  f.loop.advance(1ms);
  CHECK(f.handler.ended == 1);
}

TEST_CASE("a handler that leaves is not told, and the end goes on without it") {
  Fixture f;
  f.end();
  f.handler.question.reset();
  CHECK(f.redis.is_waited_for());
  SUBCASE("done") { f.respond({"lb2"}); }
  SUBCASE("Redis has not answered: it is kept") {
    f.redis.fail(base::ErrorCode::Timeout);
    CHECK(f.ends.untold() == 1);
  }
  f.loop.run();
  CHECK(f.handler.ended == 0);
}

TEST_CASE("an end that Redis may have missed is said again, as a mark, until it is there") {
  Fixture f;
  SUBCASE("Redis was away") {
    f.redis.up = false;
    f.end(Ending::Forget);
    CHECK_MESSAGE(f.handler.question == nullptr, "nobody to wait for");
  }
  SUBCASE("Redis did not answer") {
    f.end(Ending::Forget);
    f.redis.fail(base::ErrorCode::Timeout);
    CHECK_MESSAGE(f.handler.ended == 1, "whoever waits goes on at once");
    f.redis.up = false;
  }
  CHECK(f.ends.untold() == 1);
  f.loop.advance(1s);
  CHECK(f.redis.asked() == 0);
  f.redis.up = true;
  f.loop.advance(200ms);
  REQUIRE(f.redis.asked() == 1);
  CHECK(f.redis.question().words[4] == "mark");
  CHECK_MESSAGE(f.redis.question().words[6].empty(), "nobody waits for acks");
  CHECK(f.ends.untold() == 0);
  f.redis.fail(base::ErrorCode::Reset);
  CHECK(f.ends.untold() == 1);
  f.loop.advance(200ms);
  f.respond({});
  CHECK(f.ends.untold() == 0);
}

TEST_CASE("what was ended too long ago to come back is not told any more") {
  Fixture f;
  f.redis.up = false;
  f.end();
  std::size_t told = 0;
  SUBCASE("in time") {
    f.loop.advance(90min - 200ms);
    told = 1;
  }
  SUBCASE("too late") { f.loop.advance(90min); }
  f.redis.up = true;
  f.loop.advance(200ms);
  CHECK(f.ends.untold() == 0);
  CHECK(f.redis.asked() == told);
}

TEST_CASE("of more than can be kept the oldest are forgotten; they are told some at a time") {
  Fixture f;
  f.redis.up = false;
  for (std::size_t i = 0; i < RedisEnds::kUntoldMax + 1; ++i) f.ends.end("shop", {0, i}, {}, Ending::Mark, f.handler);
  CHECK(f.ends.untold() == RedisEnds::kUntoldMax);
  f.redis.up = true;
  f.loop.advance(200ms);
  CHECK(f.redis.asked() == 200);
  CHECK(f.redis.question().words[1] == id_text({0, 1}));
}

TEST_CASE("the store may go while ends are under way") {
  Fixture f;
  auto ends = std::make_unique<RedisEnds>(f.scripts, f.copy_lease, f.loop,
                                          RedisEnds::Options{.idle_timeout = 1h, .patience = 100ms});
  f.handler.question = ends->end("shop", kKey, {}, Ending::Mark, f.handler);
  auto done = ends->end("shop", kKey, {}, Ending::Mark, f.handler);
  f.respond({"lb2"});
  SUBCASE("one has ended in this turn") { f.respond({}); }
  SUBCASE("all wait") {}
  ends.reset();
  f.loop.advance(1s);
  f.handler.question.reset();
}
