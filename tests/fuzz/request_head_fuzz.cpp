#include <cstdint>

#include "http/authority.h"
#include "http/path.h"
#include "tests/fuzz/head_invariants.h"
#include "tests/http/feed.h"

using namespace holdfast;
using namespace holdfast::fuzz;
using namespace holdfast::http;

namespace {

// Small limits, so that the fuzzer reaches them.
constexpr HeadLimits kLimits{2048, 32};

Parsed parse(std::string_view input, std::size_t step, RequestHead& head) {
  return tests::feed_head(input, step,
                          [&](auto part, auto searched) { return parse_request_head(part, searched, kLimits, head); });
}

void check_path(std::string_view path) {
  must(path == "*" || path.front() == '/', "a path begins with a slash");
  if (path == "*") return;
  must(path_fault(path) == nullptr, "a refused path does not pass");
  const std::string normal = normalised_path(path);
  if (is_plain_path(path)) must(normal == path && unresolved_path(path) == path, "a plain path is its own reading");
  must(normal.front() == '/' && normal.find("//") == std::string::npos, "slashes are merged");
  must((normal + "/").find("/../") == std::string::npos && (normal + "/").find("/./") == std::string::npos,
       "no dot segment is left");
}

void check_head(const RequestHead& head, std::string_view input) {
  check_fields(head.fields, input);
  must(is_inside(head.target, input) && is_inside(head.method_text, input), "the line's parts are views");
  for (const char c : head.target) must(scan::is_target_char(c), "targets are visible ASCII");
  check_path(head.path);
  must(!head.authority.empty() || head.minor == 0, "HTTP/1.1 has a host");
  if (!head.authority.empty()) {
    const auto authority = parse_authority(head.authority);
    must(authority && authority->host == head.host, "the host is the authority's");
  }
  bool has_coding = false;
  for (const Field& field : head.fields) has_coding |= field.id == FieldId::TransferEncoding;
  must(has_coding == (head.framing.kind == Framing::Kind::Chunked), "a coding is chunked");
  must(!(has_coding && head.has_content_length), "one framing only");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A fault in a line that is not whole may show early or late: end the line.
  const std::string input = std::string(reinterpret_cast<const char*>(data), size) + "\n";
  RequestHead whole;
  RequestHead grown;
  const Parsed at_once = parse(input, 0, whole);
  const Parsed by_bytes = parse(input, 1 + size % 3, grown);
  must(at_once.consumed <= input.size() && at_once.consumed <= kLimits.bytes_max, "no more is consumed than allowed");
  must(is_same(at_once, by_bytes, input.size() <= kLimits.bytes_max), "pieces come to the same as the whole");
  if (at_once.state != Parsed::State::Complete) return 0;
  check_head(whole, std::string_view(input).substr(0, at_once.consumed));
  must(is_same(whole.fields, grown.fields) && whole.path == grown.path, "and so do the heads");

  // What was parsed, written out again, parses to the same: there is one reading of it.
  std::string again(whole.method_text);
  again.append(" ").append(whole.target).append(whole.minor == 1 ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n");
  for (const Field& field : whole.fields) again.append(field.name).append(":").append(field.value).append("\r\n");
  again += "\r\n";
  RequestHead second;
  must(parse(again, 0, second).state == Parsed::State::Complete, "a head written out again passes");
  must(is_same(whole.fields, second.fields) && whole.framing.kind == second.framing.kind &&
           whole.framing.length == second.framing.length,
       "and means the same");
  return 0;
}
