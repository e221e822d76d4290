#include "redis/resp.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace holdfast;
using namespace holdfast::redis;
using namespace std::string_view_literals;
using Kind = RedisReply::Kind;

namespace {

/// Replies in `bytes`, fed in pieces of `step`; an Error ends them and is written into `error`.
std::vector<RedisReply> replies_in(std::string_view bytes, std::size_t step, std::string& error) {
  std::vector<RedisReply> out;
  RespReader reader;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    reader.feed(bytes.substr(at, step));
    for (;;) {
      auto got = reader.next();
      if (!got) {
        error = base::name_of(got.error().code);
        return out;
      }
      if (!*got) break;
      out.push_back(**std::move(got));
    }
  }
  return out;
}

}  // namespace

TEST_CASE("resp: a command as bytes") {
  std::string out;
  const std::string_view words[] = {"SET", "k", std::string_view("a\r\n\0", 4), ""};
  append_command(out, words);
  CHECK(out == "*4\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\na\r\n\0\r\n$0\r\n\r\n"sv);
}

TEST_CASE("resp: replies, whole and in pieces of any size") {
  const std::string bytes =
      "+OK\r\n:-7\r\n$5\r\na\r\nb\n\r\n$-1\r\n$0\r\n\r\n*-1\r\n*0\r\n*3\r\n:1\r\n*2\r\n$1\r\nx\r\n-ERR "
      "in\r\n$-1\r\n-ERR "
      "no\r\n";
  const std::vector<RedisReply> want = {
      {.kind = Kind::Text, .text = "OK"},
      {.kind = Kind::Integer, .integer = -7},
      {.kind = Kind::Text, .text = "a\r\nb\n"},
      {.kind = Kind::Nil},
      {.kind = Kind::Text},
      {.kind = Kind::Nil},
      {.kind = Kind::Array},
      {.kind = Kind::Array,
       .items = {{.kind = Kind::Integer, .integer = 1},
                 {.kind = Kind::Array,
                  .items = {{.kind = Kind::Text, .text = "x"}, {.kind = Kind::Error, .text = "ERR in"}}},
                 {.kind = Kind::Nil}}},
      {.kind = Kind::Error, .text = "ERR no"}};
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    INFO(step);
    std::string error;
    CHECK(replies_in(bytes, step, error) == want);
    CHECK(error.empty());
  }
}

TEST_CASE("resp: bytes that are none") {
  struct Row {
    const char* bytes;
    std::size_t replies;
    const char* error;
  };
  const Row rows[] = {
      {"HTTP/1.1 400 Bad Request\r\n", 0, "malformed"},
      {"+OK\r\n?\r\n", 1, "malformed"},
      {":12x\r\n", 0, "malformed"},
      {":99999999999999999999\r\n", 0, "malformed"},
      {"$-2\r\n", 0, "malformed"},
      {"*-2\r\n", 0, "malformed"},
      {"$99999999999999999999\r\n", 0, "malformed"},
      {"*99999999999\r\n", 0, "malformed"},
      {"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", 0, "malformed"},
      {"*2000000000\r\n:1\r\n", 0, ""},  // a promise costs nothing until it is kept
      {"$9000000000000\r\nabc", 0, ""},  // nor does this
      {"*2\r\n:1\r\n", 0, ""},
  };
  for (const Row& row : rows) {
    INFO(std::string(row.bytes));
    for (const std::size_t step : {std::size_t{1}, std::size_t{1000}}) {
      std::string error;
      CHECK(replies_in(row.bytes, step, error).size() == row.replies);
      CHECK(error == row.error);
    }
  }
}

TEST_CASE("resp: a broken stream stays broken") {
  RespReader reader;
  reader.feed("oops\r\n+OK\r\n");
  CHECK_FALSE(reader.next());
  CHECK_FALSE(reader.next());
  reader.feed("+OK\r\n");
  CHECK_FALSE(reader.next());
}

TEST_CASE("resp: a reply has a largest size, a stream of replies has none") {
  const std::string mebibyte(1u << 20, 'x');
  RespReader reader;
  constexpr std::size_t kMebibytes = RespReader::kReplyBytesMax >> 20;
  reader.feed("$" + std::to_string(RespReader::kReplyBytesMax * 2) + "\r\n");
  for (std::size_t i = 0; i + 1 < kMebibytes; ++i) {
    reader.feed(mebibyte);
    REQUIRE(reader.next());
  }
  reader.feed(mebibyte);
  const auto too_large = reader.next();
  REQUIRE_FALSE(too_large);
  CHECK(too_large.error().code == base::ErrorCode::TooLarge);

  RespReader stream;
  for (std::size_t i = 0; i < 2 * kMebibytes; ++i) {
    stream.feed("$1048576\r\n" + mebibyte + "\r\n+OK\r\n");
    REQUIRE(**stream.next() == RedisReply{.kind = Kind::Text, .text = mebibyte});
    REQUIRE((**stream.next()).text == "OK");
  }
}

TEST_CASE("resp: what an error reply means") {
  struct Row {
    const char* text;
    base::ErrorCode code;
  };
  const Row rows[] = {{"ERR syntax error", base::ErrorCode::Invalid},
                      {"WRONGTYPE Operation against a key", base::ErrorCode::Malformed},
                      {"READONLY You can't write", base::ErrorCode::Unavailable},
                      {"OOM command not allowed", base::ErrorCode::Unavailable},
                      {"LOADING Redis is loading", base::ErrorCode::Unavailable},
                      {"MASTERDOWN Link with MASTER is down", base::ErrorCode::Unavailable},
                      {"NOREPLICAS Not enough good replicas", base::ErrorCode::Unavailable},
                      {"CLUSTERDOWN Hash slot not served", base::ErrorCode::Unavailable},
                      {"MISCONF Redis is configured to save", base::ErrorCode::Unavailable},
                      {"TRYAGAIN", base::ErrorCode::Unavailable},
                      {"OOMPH", base::ErrorCode::Invalid},
                      // As Redis 6.2 says it of a script.
                      {"ERR Error running script (call to f_0c): @user_script:9: @user_script: 9: -READONLY You can't "
                       "write against a read only replica.",
                       base::ErrorCode::Unavailable},
                      {"ERR Error running script (call to f_0c): @user_script:9: @user_script: 9: Wrong number of args",
                       base::ErrorCode::Invalid},
                      {"", base::ErrorCode::Invalid}};
  for (const Row& row : rows) {
    INFO(std::string(row.text));
    CHECK(error_of_reply(row.text).code == row.code);
    CHECK(error_of_reply(row.text).text == row.text);
  }
}

TEST_CASE("resp: Redis and we call a script by the same hash") {
  CHECK(RedisScript("one", "return 1").sha1() == "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
}
