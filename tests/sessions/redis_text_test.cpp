#include "sessions/redis_text.h"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::sessions;

namespace {

redis::RedisReply text(std::string value) { return {.kind = redis::RedisReply::Kind::Text, .text = std::move(value)}; }
redis::RedisReply number(std::int64_t value) { return {.kind = redis::RedisReply::Kind::Integer, .integer = value}; }
redis::RedisReply list(std::vector<redis::RedisReply> items) {
  return {.kind = redis::RedisReply::Kind::Array, .items = std::move(items)};
}

constexpr Key kKey{0x0123456789abcdef, 0xfedcba9876543210};

}  // namespace

TEST_CASE("ids and tags: there and back") {
  CHECK(id_text(kKey).size() == 22);
  CHECK(parse_id(id_text(kKey)) == kKey);
  CHECK(tag_text(BackendTag{0x2a}) == "000000000000002a");
  CHECK(parse_tag("000000000000002a") == BackendTag{0x2a});
  CHECK(parse_tag(tag_text(BackendTag::Ended)) == BackendTag::Ended);
  for (const char* bad : {"", "2a", "000000000000000g", "0000000000000000", "00000000000000002a", "-00000000000002a"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_tag(bad));
  }
  for (const char* bad : {"", "short", "AAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAA*A"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_id(bad));
  }
}

TEST_CASE("what the scripts answer, and what they never should") {
  const std::string tag = tag_text(BackendTag{7});
  const auto won = parse_bind_result(list({text("3"), text(tag), number(1)}));
  REQUIRE(won);
  CHECK(*won == Binding{BackendTag{7}, Generation{3}});
  CHECK(won->is_ours);
  CHECK_FALSE(parse_bind_result(list({text("3"), text(tag), number(0)}))->is_ours);
  for (const auto& bad : {redis::RedisReply{}, number(1), list({}), list({text("3"), text(tag)}),
                          list({text("0"), text(tag), number(1)}), list({text("4294967296"), text(tag), number(1)}),
                          list({text("x"), text(tag), number(1)}), list({text("3"), text("x"), number(1)})}) {
    CHECK_FALSE(parse_bind_result(bad));
  }
}

TEST_CASE("news") {
  const auto news = parse_news(id_text(kKey) + " 12 " + tag_text(BackendTag{9}));
  REQUIRE(news);
  CHECK(news->key == kKey);
  CHECK(news->binding == Binding{BackendTag{9}, Generation{12}});
  for (const char* bad : {"", "x", "x 1", "x 1 y", "  ", "AAAAAAAAAAAAAAAAAAAAAA 1", "AAAAAAAAAAAAAAAAAAAAAA  "}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_news(bad));
  }
}

TEST_CASE("keys of one pool share one hash tag") {
  const RedisNames names{"hf"};
  CHECK(names.session("shop", kKey) == "hf:{shop}:s:" + id_text(kKey));
  CHECK(names.index("shop", BackendTag{1}) == "hf:{shop}:b:0000000000000001");
  CHECK(names.news() == "hf:sessions");
}
