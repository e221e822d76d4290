#include <algorithm>
#include <cstring>

#include "http/connection.h"
#include "http/field_lines.h"
#include "http/framing.h"
#include "http/h1_parser.h"
#include "http/head_end.h"
#include "http/scan.h"

namespace holdfast::http {

namespace {

constexpr std::uint16_t kBad = 502;

Parsed bad(const char* why) { return {Parsed::State::Bad, 0, kBad, why}; }
Parsed incomplete() { return {}; }
Parsed complete(std::size_t consumed) { return {Parsed::State::Complete, consumed, 0, ""}; }

/// One pass over the head of a response. Lives for one call.
class ResponseParser {
 public:
  ResponseParser(std::string_view input, const HeadLimits& limits, Method request_method, ResponseHead& head)
      : begin_(input.data()),
        at_(input.data()),
        end_(input.data() + std::min(input.size(), limits.bytes_max)),
        limits_(limits),
        request_method_(request_method),
        head_(head) {}

  Parsed run();

 private:
  Parsed status_line();
  Parsed fields();
  const char* note(const Field& field);
  const char* conclude();
  const char* frame_without_content();
  bool has_no_content() const;

  const char* begin_;
  const char* at_;
  const char* end_;
  const HeadLimits& limits_;
  Method request_method_;
  ResponseHead& head_;
  FramingFields framing_;
  bool has_connection_ = false;
};

Parsed ResponseParser::run() {
  Parsed parsed = status_line();
  if (parsed.state != Parsed::State::Complete) return parsed;
  parsed = fields();
  if (parsed.state != Parsed::State::Complete) return parsed;
  if (const char* why = conclude()) return bad(why);
  return parsed;
}

// "HTTP/1.1 200 OK"; the reason and the space before it may be missing (RFC 9112 section 4 asks for the space, and apps
// forget it).
Parsed ResponseParser::status_line() {
  constexpr std::string_view kPrefix = "HTTP/1.";
  constexpr std::size_t kFixed = 12;  // up to the status
  const std::string_view there(at_, static_cast<std::size_t>(end_ - at_));
  if (there.substr(0, kPrefix.size()) != kPrefix.substr(0, there.size())) return bad("not an HTTP/1 response");
  const char* const line_end = scan::value_end(at_, end_);
  if (line_end == end_ || (*line_end == '\r' && end_ - line_end < 2)) return incomplete();
  if (line_end[0] != '\r' || line_end[1] != '\n') return bad(line_fault(line_end));

  const std::string_view line(at_, static_cast<std::size_t>(line_end - at_));
  if (line.size() < kFixed || (line[7] != '0' && line[7] != '1') || line[8] != ' ') return bad("malformed status line");
  if (line[9] < '1' || !scan::is_digit(line[9]) || !scan::is_digit(line[10]) || !scan::is_digit(line[11])) {
    return bad("malformed status");
  }
  if (line.size() > kFixed && line[kFixed] != ' ') return bad("malformed status");
  head_.minor = static_cast<std::uint8_t>(line[7] - '0');
  head_.status = static_cast<std::uint16_t>((line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0'));
  head_.reason = line.size() > kFixed ? line.substr(kFixed + 1) : std::string_view{};
  at_ = line_end + 2;
  return complete(0);
}

Parsed ResponseParser::fields() {
  FieldLines lines(at_, end_);
  while (true) {
    Field& field = head_.fields.emplace_back();
    const FieldLines::Outcome found = lines.next(field);
    if (found == FieldLines::Outcome::Field) {
      if (head_.fields.size() > limits_.fields_max) return bad("too many fields");
      if (const char* why = note(field)) return bad(why);
      continue;
    }
    head_.fields.pop_back();
    if (found == FieldLines::Outcome::Bad) return bad(lines.why());
    if (found == FieldLines::Outcome::Incomplete) return incomplete();
    return complete(static_cast<std::size_t>(lines.position() - begin_));
  }
}

const char* ResponseParser::note(const Field& field) {
  switch (field.id) {
    case FieldId::ContentLength:
    case FieldId::TransferEncoding:
      if (const Fault fault = framing_.note(field)) return fault.why;
      break;
    case FieldId::Connection:
      has_connection_ = true;
      break;
    case FieldId::SetCookie:
      head_.has_set_cookie = true;
      break;
    case FieldId::WwwAuthenticate:
      head_.has_challenge = true;
      break;
    case FieldId::XHoldfast:
      head_.has_holdfast = true;
      break;
    default:
      break;
  }
  return nullptr;
}

bool ResponseParser::has_no_content() const {
  return request_method_ == Method::Head || head_.status < 200 || head_.status == 204 || head_.status == 304;
}

// RFC 9112 section 6.3, in its order.
const char* ResponseParser::conclude() {
  if (const Fault fault = framing_.finish(head_.minor)) return fault.why;
  ConnectionOptions options;
  if (has_connection_) {
    if (const Fault fault = read_connection(head_.fields, options)) return fault.why;
  }
  head_.keep_alive = options.is_persistent(head_.minor);
  head_.has_content_length = framing_.has_length();
  head_.content_length = framing_.length();
  if (has_no_content()) return frame_without_content();
  if (framing_.is_chunked()) {
    head_.framing.kind = Framing::Kind::Chunked;
  } else if (framing_.has_length()) {
    if (framing_.length() > 0) head_.framing = {Framing::Kind::Length, framing_.length()};
  } else {
    head_.framing.kind = Framing::Kind::UntilClose;
    head_.keep_alive = false;
  }
  return nullptr;
}

// 1xx and 204 must not speak of a body (RFC 9110 section 8.6, RFC 9112 section 6.1). Apps do it all the same, and some
// then send one. An interim response with a body would be read as the next head: refused. A 204 passes without the
// field, and its connection is not used again, so a body that follows reaches nobody.
const char* ResponseParser::frame_without_content() {
  const bool is_interim = head_.status < 200;
  if (!is_interim && head_.status != 204) return nullptr;
  const bool announces = framing_.has_coding() || framing_.length() > 0;
  if (announces && is_interim) return "interim response with a body";
  if (announces) head_.keep_alive = false;
  for (Field& field : head_.fields) {
    if (field.id == FieldId::ContentLength) field.hop_by_hop = true;
  }
  return nullptr;
}

void clear(ResponseHead& head) {
  std::vector<Field> fields = std::move(head.fields);
  fields.clear();
  head = ResponseHead{};
  head.fields = std::move(fields);
}

}  // namespace

Parsed parse_response_head(std::string_view input, std::size_t searched, const HeadLimits& limits,
                           Method request_method, ResponseHead& head) {
  Parsed parsed;
  if (has_new_line(input, searched)) {
    clear(head);
    parsed = ResponseParser(input, limits, request_method, head).run();
  }
  if (parsed.state == Parsed::State::Incomplete && input.size() >= limits.bytes_max) return bad("head too long");
  return parsed;
}

}  // namespace holdfast::http
