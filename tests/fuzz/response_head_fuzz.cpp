#include <cstdint>

#include "tests/fuzz/head_invariants.h"
#include "tests/http/feed.h"

using namespace holdfast;
using namespace holdfast::fuzz;
using namespace holdfast::http;

namespace {

constexpr HeadLimits kLimits{2048, 32};

Parsed parse(std::string_view input, Method method, std::size_t step, ResponseHead& head) {
  return tests::feed_head(input, step, [&](auto part, auto searched) {
    return parse_response_head(part, searched, kLimits, method, head);
  });
}

void check_head(const ResponseHead& head, Method method, std::string_view input) {
  check_fields(head.fields, input);
  must(head.status >= 100 && head.status <= 999, "a status has three digits");
  for (const char c : head.reason) must(scan::is_value_char(c), "no reason can end a line");
  const bool has_no_content = method == Method::Head || head.status < 200 || head.status == 204 || head.status == 304;
  if (has_no_content) must(head.framing.kind == Framing::Kind::None, "no content where none may be");
  if (head.framing.kind == Framing::Kind::UntilClose)
    must(!head.keep_alive, "a body up to the close ends the connection");
  if (head.framing.kind == Framing::Kind::Length) must(head.framing.length == head.content_length, "one length");
}

}  // namespace

// The first byte says what was asked, the rest is the response.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Method method = data[0] == 'H' ? Method::Head : Method::Get;
  // A fault in a line that is not whole may show early or late: end the line.
  const std::string input = std::string(reinterpret_cast<const char*>(data + 1), size - 1) + "\n";
  ResponseHead whole;
  ResponseHead grown;
  const Parsed at_once = parse(input, method, 0, whole);
  const Parsed by_bytes = parse(input, method, 1 + size % 3, grown);
  must(at_once.consumed <= input.size() && at_once.consumed <= kLimits.bytes_max, "no more is consumed than allowed");
  must(is_same(at_once, by_bytes, input.size() <= kLimits.bytes_max), "pieces come to the same as the whole");
  if (at_once.state == Parsed::State::Bad) must(at_once.status == 502, "a bad answer is 502");
  if (at_once.state != Parsed::State::Complete) return 0;
  check_head(whole, method, std::string_view(input).substr(0, at_once.consumed));
  must(is_same(whole.fields, grown.fields) && whole.status == grown.status && whole.keep_alive == grown.keep_alive,
       "and so do the heads");
  return 0;
}
