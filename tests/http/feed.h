#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "http/body.h"
#include "http/field_id.h"
#include "http/h1_parser.h"

/// Feeds the readers of http/ in pieces, as a connection would. Used by tests and fuzzers.
namespace holdfast::tests {

/// Bytes on the heap with nothing behind them: a read past their end is seen by AddressSanitizer.
inline std::vector<char> exact(std::string_view bytes) { return {bytes.begin(), bytes.end()}; }
inline std::string_view view(const std::vector<char>& bytes) { return {bytes.data(), bytes.size()}; }

/// Parses a head that grows by `step` bytes a time (0: all at once), telling the parser what it has searched.
/// `parse(input, searched)` is one of the two head parsers.
template <class Parse>
http::Parsed feed_head(std::string_view bytes, std::size_t step, Parse parse) {
  std::size_t searched = 0;
  std::size_t size = step == 0 ? bytes.size() : 0;
  while (true) {
    size = step == 0 ? bytes.size() : std::min(size + step, bytes.size());
    const http::Parsed parsed = parse(bytes.substr(0, size), searched);
    if (parsed.state != http::Parsed::State::Incomplete || size == bytes.size()) return parsed;
    searched = size;
  }
}

/// What a body came to.
struct BodyOutcome {
  http::BodyReader::Step::State state = http::BodyReader::Step::State::More;
  std::size_t consumed = 0;
  std::string content;
  std::string trailers;
  bool may_end_here = false;
  std::string why;
  bool operator==(const BodyOutcome&) const = default;
};

/// Takes `bytes` in pieces that end at `cuts` (rising positions) and at the end.
inline BodyOutcome feed_body(const http::Framing& framing, std::string_view bytes,
                             const std::vector<std::size_t>& cuts = {}) {
  http::BodyReader reader;
  reader.start(framing);
  BodyOutcome out;
  if (reader.is_done()) out.state = http::BodyReader::Step::State::Done;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= cuts.size() && out.state == http::BodyReader::Step::State::More; ++i) {
    const std::size_t end = i < cuts.size() ? cuts[i] : bytes.size();
    std::vector<char> piece = exact(bytes.substr(begin, end - begin));
    const auto step = reader.take(piece);
    out.state = step.state;
    out.consumed += step.consumed;
    out.content.append(step.data.data(), step.data.size());
    out.why = step.why;
    begin = end;
  }
  out.trailers = reader.trailers();
  out.may_end_here = reader.may_end_here();
  return out;
}

inline std::vector<std::size_t> cuts_everywhere(std::size_t size) {
  std::vector<std::size_t> cuts;
  for (std::size_t i = 1; i < size; ++i) cuts.push_back(i);
  return cuts;
}

/// The field lines that another hop would get: what is ours or a stranger's claim is left out.
inline std::string forwarded_fields(const std::vector<http::Field>& fields) {
  std::string out;
  for (const http::Field& field : fields) {
    if (field.hop_by_hop || http::is_vouched_for(field.id)) continue;
    out.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  return out;
}

}  // namespace holdfast::tests
