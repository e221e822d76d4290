#include <cstdint>

#include "base/random.h"
#include "http/scan.h"
#include "tests/fuzz/must.h"
#include "tests/http/feed.h"

using namespace holdfast;
using namespace holdfast::fuzz;
using namespace holdfast::http;
using State = BodyReader::Step::State;

namespace {

Framing framing_of(char kind, std::uint8_t length) {
  switch (kind) {
    case 'L':
      return {Framing::Kind::Length, std::uint64_t{length} + 1};
    case 'U':
      return {Framing::Kind::UntilClose, 0};
    default:
      return {Framing::Kind::Chunked, 0};
  }
}

std::vector<std::size_t> random_cuts(std::size_t size, base::Random& random) {
  std::vector<std::size_t> cuts;
  for (std::size_t at = random.below(9); at < size; at += 1 + random.below(9)) cuts.push_back(at);
  return cuts;
}

/// What a sender of our own would make of it: the reader must read that as the same body.
std::string chunked_again(const tests::BodyOutcome& body) {
  std::array<char, 20> head{};
  std::string out;
  if (!body.content.empty()) out.append(chunk_head(body.content.size(), head)).append(body.content).append(kChunkEnd);
  return out.append(kLastChunk).append(body.trailers).append(kChunkEnd);
}

}  // namespace

// The first byte says how the body is framed, the second its length or the seed of the cuts, the rest is the body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data + 2), size - 2);
  const Framing framing = framing_of(static_cast<char>(data[0]), data[1]);
  const tests::BodyOutcome whole = tests::feed_body(framing, input);
  must(whole.consumed <= input.size() && whole.content.size() <= whole.consumed, "content comes from what is consumed");
  must(whole.state != State::More || whole.consumed == input.size(), "all is consumed while there is more to come");

  base::Random random(data[1]);
  must(tests::feed_body(framing, input, random_cuts(input.size(), random)) == whole, "cuts change nothing");
  must(tests::feed_body(framing, input, tests::cuts_everywhere(input.size())) == whole, "nor do single bytes");

  for (std::size_t i = 0; i < whole.trailers.size(); ++i) {
    const char c = whole.trailers[i];
    must(scan::is_value_char(c) || c == '\r' || c == '\n', "trailers are clean");
    must((c == '\r') == (i + 1 < whole.trailers.size() && whole.trailers[i + 1] == '\n'), "their lines end in CRLF");
  }
  if (framing.kind != Framing::Kind::Chunked || whole.state != State::Done) return 0;
  const tests::BodyOutcome again = tests::feed_body(framing, chunked_again(whole));
  must(again.state == State::Done && again.content == whole.content && again.trailers == whole.trailers,
       "sent on, it is the same body");
  return 0;
}
