#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "http/authority.h"
#include "http/connection.h"
#include "http/field_id.h"
#include "http/field_lines.h"
#include "http/framing.h"
#include "http/h1_parser.h"
#include "http/head_end.h"
#include "http/method.h"
#include "http/path.h"
#include "http/scan.h"

namespace holdfast::http {

namespace {

constexpr std::size_t kMethodMax = 32;
constexpr std::size_t kVersionLine = 10;  // "HTTP/1.1" CRLF

enum class Progress : std::uint8_t { Done, Incomplete, Bad };

/// One pass over a request head. Lives for one call.
class RequestParser {
 public:
  RequestParser(std::string_view input, const HeadLimits& limits, RequestHead& head)
      : begin_(input.data()),
        at_(input.data()),
        end_(input.data() + std::min(input.size(), limits.bytes_max)),
        limits_(limits),
        head_(head) {}

  Parsed run();

 private:
  Progress bad(std::uint16_t status, const char* why) { return bad(Fault{status, why}); }
  Progress bad(const Fault& fault) { return fault_ = fault, Progress::Bad; }
  Progress check(const Fault& fault) { return fault ? bad(fault) : Progress::Done; }

  Progress skip_empty_line();
  Progress request_line();
  Progress method();
  Progress target();
  Progress version();
  Progress other_version();
  Progress fields();
  Progress note(Field& field);
  Progress note_host(const Field& field);
  Progress conclude();
  Progress split_target();
  Progress split_absolute(std::size_t scheme_length, std::uint16_t default_port);
  Progress split_path(std::string_view path_and_query);
  Progress read_upgrade();

  const char* begin_;
  const char* at_;
  const char* end_;
  const HeadLimits& limits_;
  RequestHead& head_;
  Fault fault_;
  FramingFields framing_;
  std::uint16_t target_port_ = 0;   // of an absolute-form target
  std::uint16_t default_port_ = 0;  // of its scheme
  bool has_host_ = false;
  bool has_connection_ = false;
  bool has_upgrade_ = false;
  bool has_expect_ = false;
};

/// A known method in other letters, such as "head": a backend that ignores case would treat it in another way than
/// we expect.
bool is_misspelt(std::string_view method) {
  if (method_of(method) != Method::Other) return false;
  std::string_view known[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"};
  return std::any_of(std::begin(known), std::end(known), [&](auto each) { return base::iequals(each, method); });
}

Parsed RequestParser::run() {
  Progress progress = skip_empty_line();
  if (progress == Progress::Done) progress = request_line();
  if (progress == Progress::Done) progress = fields();
  if (progress == Progress::Done) progress = conclude();
  switch (progress) {
    case Progress::Done:
      return {Parsed::State::Complete, static_cast<std::size_t>(at_ - begin_), 0, ""};
    case Progress::Incomplete:
      return {};
    case Progress::Bad:
      break;
  }
  return {Parsed::State::Bad, 0, fault_.status, fault_.why};
}

Progress RequestParser::skip_empty_line() {
  if (at_ == end_) return Progress::Incomplete;
  if (*at_ != '\r') return Progress::Done;
  if (end_ - at_ < 2) return Progress::Incomplete;
  if (at_[1] != '\n') return bad(400, "bare CR");
  at_ += 2;
  return Progress::Done;
}

Progress RequestParser::request_line() {
  Progress progress = method();
  if (progress == Progress::Done) progress = target();
  if (progress == Progress::Done) progress = version();
  if (progress == Progress::Done) progress = split_target();
  return progress;
}

Progress RequestParser::method() {
  const char* const method_end = scan::token_end(at_, end_);
  if (static_cast<std::size_t>(method_end - at_) > kMethodMax) return bad(501, "method too long");
  if (method_end == end_) return Progress::Incomplete;
  if (method_end == at_ || *method_end != ' ') return bad(400, "malformed request line: method");
  head_.method_text = {at_, static_cast<std::size_t>(method_end - at_)};
  head_.method = method_of(head_.method_text);
  at_ = method_end + 1;
  // TRACE reflects what it was sent, with fields that the proxy added for the app's eyes only.
  if (head_.method == Method::Trace) return bad(501, "TRACE is not served");
  if (head_.method == Method::Connect) return bad(501, "CONNECT is not served");
  if (head_.method == Method::Other && is_misspelt(head_.method_text)) return bad(501, "unknown method");
  return Progress::Done;
}

Progress RequestParser::target() {
  const char* const target_end = scan::target_end(at_, end_);
  if (target_end == end_) return Progress::Incomplete;
  if (*target_end == '#') return bad(400, "fragment in the target");
  if (*target_end == '\r' || *target_end == '\n') return bad(400, "request line without a version (HTTP/0.9)");
  if (*target_end != ' ') return bad(400, "character that may not be in a target");
  if (target_end == at_) return bad(400, "extra space in the request line");
  head_.target = {at_, static_cast<std::size_t>(target_end - at_)};
  at_ = target_end + 1;
  return Progress::Done;
}

Progress RequestParser::version() {
  if (end_ - at_ < static_cast<std::ptrdiff_t>(kVersionLine) || std::memcmp(at_, "HTTP/1.", 7) != 0 ||
      (at_[7] != '0' && at_[7] != '1') || at_[8] != '\r' || at_[9] != '\n') {
    return other_version();
  }
  head_.minor = static_cast<std::uint8_t>(at_[7] - '0');
  at_ += kVersionLine;
  return Progress::Done;
}

// The rest of the line is none of the two versions, or is not whole yet.
Progress RequestParser::other_version() {
  const auto* const lf = static_cast<const char*>(std::memchr(at_, '\n', static_cast<std::size_t>(end_ - at_)));
  if (lf == nullptr) return Progress::Incomplete;
  const std::string_view line(at_, static_cast<std::size_t>(lf - at_));
  if (line.empty() || line.back() != '\r') return bad(400, "bare LF");
  const bool is_version = line.size() == 9 && line.starts_with("HTTP/") && scan::is_digit(line[5]) && line[6] == '.' &&
                          scan::is_digit(line[7]);
  if (is_version) return bad(505, "HTTP version other than 1.0 and 1.1");
  return bad(400, "malformed request line: version");
}

// Which of the four forms (RFC 9112 section 3.2)? Host is compared later, when it is known.
Progress RequestParser::split_target() {
  if (head_.target.front() == '/') return split_path(head_.target);
  if (head_.target == "*") {
    if (head_.method != Method::Options) return bad(400, "target * without OPTIONS");
    head_.path = head_.target;
    return Progress::Done;
  }
  if (base::iequals(head_.target.substr(0, 7), "http://")) return split_absolute(7, 80);
  if (base::iequals(head_.target.substr(0, 8), "https://")) return split_absolute(8, 443);
  return bad(400, "target is neither a path nor an http URL");
}

Progress RequestParser::split_absolute(std::size_t scheme_length, std::uint16_t default_port) {
  const std::string_view rest = head_.target.substr(scheme_length);
  const std::size_t length = std::min(rest.find_first_of("/?"), rest.size());
  head_.authority = rest.substr(0, length);
  const auto authority = parse_authority(head_.authority);
  if (!authority) return bad(400, "malformed authority in the target");
  head_.host = authority->host;
  target_port_ = authority->port != 0 ? authority->port : default_port;
  default_port_ = default_port;
  const std::string_view path_and_query = rest.substr(length);
  if (!path_and_query.empty() && path_and_query.front() == '/') return split_path(path_and_query);
  // RFC 9112 section 3.2.4: what a last proxy makes of OPTIONS for a server as a whole.
  const bool is_whole_server = path_and_query.empty() && head_.method == Method::Options;
  head_.path = is_whole_server ? "*" : "/";
  head_.query = path_and_query;
  return Progress::Done;
}

Progress RequestParser::split_path(std::string_view path_and_query) {
  const std::size_t question = std::min(path_and_query.find('?'), path_and_query.size());
  head_.path = path_and_query.substr(0, question);
  head_.query = path_and_query.substr(question);
  head_.path_is_plain = is_plain_path(head_.path);
  if (head_.path_is_plain) return Progress::Done;
  if (const char* why = path_fault(head_.path)) return bad(400, why);
  return Progress::Done;
}

Progress RequestParser::fields() {
  FieldLines lines(at_, end_);
  while (true) {
    Field& field = head_.fields.emplace_back();
    const FieldLines::Outcome found = lines.next(field);
    if (found == FieldLines::Outcome::Field) {
      if (head_.fields.size() > limits_.fields_max) return bad(431, "too many fields");
      if (const Progress progress = note(field); progress != Progress::Done) return progress;
      continue;
    }
    head_.fields.pop_back();
    if (found == FieldLines::Outcome::Bad) return bad(400, lines.why());
    at_ = lines.position();
    return found == FieldLines::Outcome::End ? Progress::Done : Progress::Incomplete;
  }
}

Progress RequestParser::note(Field& field) {
  switch (field.id) {
    case FieldId::Host:
      return note_host(field);
    case FieldId::ContentLength:
    case FieldId::TransferEncoding:
      return check(framing_.note(field));
    case FieldId::Connection:
      has_connection_ = true;
      break;
    case FieldId::Upgrade:
      has_upgrade_ = true;
      break;
    case FieldId::Cookie:
      head_.has_cookie = true;
      break;
    case FieldId::Authorization:
      head_.has_authorization = true;
      break;
    case FieldId::Expect:
      if (!base::iequals(field.value, "100-continue")) return bad(417, "expectation other than 100-continue");
      has_expect_ = true;
      break;
    case FieldId::Other: {
      const FieldId lookalike = lookalike_id(field.name);
      if (lookalike == FieldId::ContentLength || lookalike == FieldId::TransferEncoding) {
        return bad(400, "framing field with an underscore");
      }
      // An app that reads '_' as '-' would take it for what only a trusted proxy may say.
      field.hop_by_hop = is_vouched_for(lookalike);
      break;
    }
    default:
      break;
  }
  return Progress::Done;
}

Progress RequestParser::note_host(const Field& field) {
  if (has_host_) return bad(400, "more than one Host");
  has_host_ = true;
  const auto host = parse_authority(field.value);
  if (!host) return bad(400, "malformed Host");
  if (head_.authority.empty()) {
    head_.authority = field.value;
    head_.host = host->host;
    return Progress::Done;
  }
  // RFC 9112 section 3.2.2 lets the target win; two names for one request are an attack, not a need.
  const std::uint16_t port = host->port != 0 ? host->port : default_port_;
  if (!base::iequals(host->host, head_.host) || port != target_port_) return bad(400, "Host contradicts the target");
  return Progress::Done;
}

// All fields are known.
Progress RequestParser::conclude() {
  if (!has_host_ && head_.minor == 1) return bad(400, "no Host");
  if (const Fault fault = framing_.finish(head_.minor)) return bad(fault);
  ConnectionOptions options;
  if (has_connection_) {
    if (const Fault fault = read_connection(head_.fields, options)) return bad(fault);
  }
  head_.keep_alive = options.is_persistent(head_.minor);
  head_.has_content_length = framing_.has_length();
  if (framing_.is_chunked()) {
    head_.framing.kind = Framing::Kind::Chunked;
  } else if (framing_.length() > 0) {
    head_.framing = {Framing::Kind::Length, framing_.length()};
  }
  // RFC 9110 section 10.1.1: HTTP/1.0 knows no expectations.
  head_.expects_continue = has_expect_ && head_.minor == 1 && head_.framing.kind != Framing::Kind::None;
  if (options.upgrade && has_upgrade_ && head_.minor == 1) return read_upgrade();
  return Progress::Done;
}

Progress RequestParser::read_upgrade() {
  head_.wants_upgrade = true;
  for (const Field& field : head_.fields) {
    if (field.id == FieldId::Upgrade && !may_upgrade_to(field.value)) head_.wants_upgrade = false;
  }
  return Progress::Done;
}

void clear(RequestHead& head) {
  std::vector<Field> fields = std::move(head.fields);
  fields.clear();
  head = RequestHead{};
  head.fields = std::move(fields);
}

/// The head does not end within the limit: is it the target that is too long, or the fields?
Parsed too_long(std::string_view input) {
  if (input.starts_with("\r\n")) input.remove_prefix(2);
  if (input.find('\n') == std::string_view::npos) return {Parsed::State::Bad, 0, 414, "request line too long"};
  return {Parsed::State::Bad, 0, 431, "request head too long"};
}

}  // namespace

Parsed parse_request_head(std::string_view input, std::size_t searched, const HeadLimits& limits, RequestHead& head) {
  Parsed parsed;
  if (has_new_line(input, searched)) {
    clear(head);
    parsed = RequestParser(input, limits, head).run();
  }
  if (parsed.state != Parsed::State::Incomplete || input.size() < limits.bytes_max) return parsed;
  return too_long(input.substr(0, limits.bytes_max));
}

}  // namespace holdfast::http
