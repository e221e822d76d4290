#include "http/body.h"

#include <doctest/doctest.h>

#include <array>

#include "tests/http/feed.h"

using namespace holdfast;
using namespace holdfast::http;
using namespace holdfast::tests;
using State = BodyReader::Step::State;

namespace {

constexpr Framing kChunked{Framing::Kind::Chunked, 0};
Framing length(std::uint64_t bytes) { return {Framing::Kind::Length, bytes}; }

}  // namespace

TEST_CASE("chunked bodies: the same result wherever the bytes are cut") {
  struct Row {
    const char* why;
    std::string bytes;
    State state;
    std::size_t left;
    std::string content;
    std::string trailers;
  };
  const Row rows[] = {
      {"one chunk", "5\r\nhello\r\n0\r\n\r\n", State::Done, 0, "hello", ""},
      {"the next message stays", "5\r\nhello\r\n0\r\n\r\nGET / HTTP", State::Done, 10, "hello", ""},
      {"several, upper and lower case", "A\r\n0123456789\r\n0b\r\nabcdefghijk\r\n0\r\n\r\n", State::Done, 0,
       "0123456789abcdefghijk", ""},
      {"CRLF inside the content", "4\r\n\r\n\r\n\r\n0\r\n\r\n", State::Done, 0, "\r\n\r\n", ""},
      {"extensions", "2;a;b=c;d=\"e;\\\"\r\" \t;\tf = g\r\nhi\r\n0;x\r\n\r\n", State::Bad, 0, "", ""},
      {"good extensions", "2;a;b=c;d=\"e;\\\"\" \t;\tf = g\r\nhi\r\n0;x\r\n\r\n", State::Done, 0, "hi", ""},
      {"trailers, tidied", "0\r\nX-A:1 \r\nX-B: \t2\r\n\r\n", State::Done, 0, "", "X-A: 1\r\nX-B: 2\r\n"},
      {"trailers, filtered", "0\r\nHost: a\r\nX-B: 2\r\nContent-Length: 5\r\n\r\nrest", State::Done, 4, "",
       "X-B: 2\r\n"},
      {"unfinished", "5\r\nhello\r\n0\r\nX-A: 1\r\n", State::More, 0, "hello", "X-A: 1\r\n"},
      {"a bad second chunk", "5\r\nhello\r\nx\r\n", State::Bad, 0, "hello", ""},
      {"two bytes after the data that are not CRLF", "5\r\nhelloX\n0\r\n\r\n", State::Bad, 0, "hello", ""},
      {"bare LF", "5\nhello\r\n0\r\n\r\n", State::Bad, 0, "", ""},
      {"blank after the size", "5 \r\nhello\r\n0\r\n\r\n", State::Bad, 0, "", ""},
      {"blank after an extension", "5;a \r\nhello\r\n0\r\n\r\n", State::Bad, 0, "", ""},
      {"bad trailer", "0\r\nX A: 1\r\n\r\n", State::Bad, 0, "", ""},
      {"bare CR before the end", "0\r\n\rX\n", State::Bad, 0, "", ""},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    const BodyOutcome whole = feed_body(kChunked, row.bytes);
    CHECK(whole.state == row.state);
    CHECK(whole.content == row.content);
    CHECK(whole.trailers == row.trailers);
    if (row.state == State::Done) CHECK(row.bytes.size() - whole.consumed == row.left);
    if (row.state == State::More) CHECK(whole.consumed == row.bytes.size());
    CHECK(whole.may_end_here == (row.state == State::Done));
    CHECK(feed_body(kChunked, row.bytes, cuts_everywhere(row.bytes.size())) == whole);
    for (std::size_t i = 1; i < row.bytes.size(); ++i) {
      for (std::size_t j = i; j < row.bytes.size(); ++j) {
        if (!(feed_body(kChunked, row.bytes, {i, j}) == whole)) FAIL("cut at " << i << " and " << j);
      }
    }
  }
}

TEST_CASE("the content of one take is one span inside the input") {
  const std::string bytes = "3\r\nabc\r\n4;x\r\ndefg\r\n1\r\nh\r\n0\r\n\r\nnext";
  std::vector<char> input = exact(bytes);
  BodyReader reader;
  reader.start(kChunked);
  const auto step = reader.take(input);
  CHECK(step.state == State::Done);
  CHECK(std::string_view(step.data.data(), step.data.size()) == "abcdefgh");
  CHECK(step.data.data() >= input.data());
  CHECK(step.data.data() + step.data.size() <= input.data() + step.consumed);
  CHECK(view(input).substr(step.consumed) == "next");
  CHECK(reader.content_bytes() == 8);
  CHECK(reader.is_done());
  CHECK(reader.take(std::span(input).subspan(step.consumed)).consumed == 0);
}

TEST_CASE("a single chunk is not moved") {
  std::vector<char> input = exact("5\r\nhello");
  BodyReader reader;
  reader.start(kChunked);
  CHECK(reader.take(input).data.data() == input.data() + 3);
}

TEST_CASE("chunk sizes at the edge") {
  const auto state_of = [](const std::string& size) { return feed_body(kChunked, size + "\r\n").state; };
  CHECK(state_of("7fffffffffffffff") == State::More);
  CHECK(state_of("8000000000000000") == State::Bad);
  CHECK(state_of("ffffffffffffffff") == State::Bad);
  CHECK(state_of("0000000000000001") == State::More);
  CHECK(state_of("00000000000000001") == State::Bad);  // 17 digits
}

TEST_CASE("limits of extensions and trailers") {
  const auto extension = [](std::size_t bytes) {
    return feed_body(kChunked, "1;" + std::string(bytes, 'a') + "\r\n").state;
  };
  CHECK(extension(4094) == State::More);  // with ';' and CR: 4096
  CHECK(extension(4095) == State::Bad);
  std::string spread;
  for (int i = 0; i < 1000; ++i) spread += "1;abcdefgh\r\nx\r\n";
  CHECK(feed_body(kChunked, spread).state == State::Bad);

  const auto trailers = [](std::size_t bytes_max, std::size_t lines_max, const std::string& lines) {
    BodyReader reader;
    reader.start(kChunked, bytes_max, lines_max);
    std::vector<char> input = exact("0\r\n" + lines + "\r\n");
    return reader.take(input).state;
  };
  CHECK(trailers(8, 1, "a: b\r\n") == State::Done);
  CHECK(trailers(7, 1, "a: b\r\n") == State::Bad);
  CHECK(trailers(100, 2, "a: b\r\nc: d\r\n") == State::Done);
  CHECK(trailers(100, 1, "a: b\r\nc: d\r\n") == State::Bad);
  CHECK(trailers(8, 9, "Host: left-out-but-counted\r\n") == State::Bad);
}

TEST_CASE("bad stays bad") {
  BodyReader reader;
  reader.start(kChunked);
  std::vector<char> bad = exact("x");
  std::vector<char> good = exact("0\r\n\r\n");
  CHECK(reader.take(bad).state == State::Bad);
  CHECK(reader.take(good).state == State::Bad);
  CHECK_FALSE(reader.may_end_here());
  reader.start(kChunked);
  CHECK(reader.take(good).state == State::Done);
}

TEST_CASE("bodies of known length, without any, and up to the close") {
  struct Row {
    const char* why;
    Framing framing;
    std::size_t consumed;
    State state;
    bool may_end_here;
  };
  const Row rows[] = {
      {"none", {}, 0, State::Done, true},
      {"length met", length(5), 5, State::Done, true},
      {"length inside", length(3), 3, State::Done, true},
      {"length not met", length(6), 5, State::More, false},
      {"until close", {Framing::Kind::UntilClose, 0}, 5, State::More, true},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    const BodyOutcome got = feed_body(row.framing, "hello");
    CHECK(got.state == row.state);
    CHECK(got.consumed == row.consumed);
    CHECK(got.content == std::string("hello").substr(0, row.consumed));
    CHECK(got.may_end_here == row.may_end_here);
    CHECK(feed_body(row.framing, "hello", {1, 2, 3, 4}) == got);
  }
}

TEST_CASE("chunk heads") {
  std::array<char, 20> into{};
  CHECK(chunk_head(1, into) == "1\r\n");
  CHECK(chunk_head(0x1f4, into) == "1f4\r\n");
  CHECK(chunk_head(65536, into) == "10000\r\n");
  CHECK(chunk_head(~std::size_t{0}, into) == "ffffffffffffffff\r\n");
}
