#include <doctest/doctest.h>

#include <set>

#include "base/text.h"
#include "http/method.h"
#include "tests/http/feed.h"
#include "tests/support/hostile_rows.h"

using namespace holdfast;
using namespace holdfast::http;
using namespace holdfast::tests;

namespace {

/// What the readers made of one whole message.
struct Judged {
  int status = 0;  // 0: passed; kCut: the body is bad or not whole
  std::string forwarded;
  std::string why;
  bool operator==(const Judged&) const = default;
};

std::string body_text(const BodyOutcome& body) { return "\r\n" + body.content + body.trailers; }
std::vector<std::size_t> cuts(std::size_t size, std::size_t step) {
  return step == 0 ? std::vector<std::size_t>{} : cuts_everywhere(size);
}

/// `step`: bytes given at a time, 0 for all.
Judged judge_request(std::string_view bytes, std::size_t step) {
  RequestHead head;
  const HeadLimits limits;
  const Parsed parsed = feed_head(
      bytes, step, [&](auto input, auto searched) { return parse_request_head(input, searched, limits, head); });
  if (parsed.state == Parsed::State::Bad) return {parsed.status, "", parsed.why};
  if (parsed.state == Parsed::State::Incomplete) return {-1, "", "incomplete"};
  const std::string_view rest = bytes.substr(parsed.consumed);
  const BodyOutcome body = feed_body(head.framing, rest, cuts(rest.size(), step));
  if (body.state != BodyReader::Step::State::Done) return {400, "", body.why};
  CHECK(body.consumed == rest.size());
  std::string text(head.method_text);
  text.append(" ").append(head.path).append(head.query).append(" HTTP/1.1\r\n");
  return {0, text + forwarded_fields(head.fields) + body_text(body), ""};
}

Judged judge_response(std::string_view bytes, Method method, std::size_t step) {
  ResponseHead head;
  const HeadLimits limits;
  do {  // interim responses come first
    const Parsed parsed = feed_head(bytes, step, [&](auto input, auto searched) {
      return parse_response_head(input, searched, limits, method, head);
    });
    if (parsed.state != Parsed::State::Complete) return {502, "", parsed.why};
    bytes.remove_prefix(parsed.consumed);
  } while (head.status < 200);
  const BodyOutcome body = feed_body(head.framing, bytes, cuts(bytes.size(), step));
  if (!body.may_end_here) return {kCut, "", body.why};
  const std::string text = "HTTP/1.1 " + std::to_string(head.status) + "\r\n";
  return {0, text + forwarded_fields(head.fields) + body_text(body), ""};
}

void check(const HostileRow& row, const Judged& whole, const Judged& byte_by_byte) {
  INFO(row.why);
  INFO(whole.why);
  CHECK(whole.status == row.want_status);
  CHECK(whole == byte_by_byte);
  if (row.want_status != 0) return;
  INFO(whole.forwarded);
  CHECK(whole.forwarded.find(row.forwarded_contains) != std::string::npos);
  if (row.forwarded_lacks.empty()) return;
  CHECK(base::to_lower(whole.forwarded).find(base::to_lower(row.forwarded_lacks)) == std::string::npos);
}

}  // namespace

TEST_CASE("hostile and unusual requests") {
  for (const HostileRow& row : hostile_requests()) {
    const auto bytes = exact(row.bytes);
    check(row, judge_request(view(bytes), 0), judge_request(view(bytes), 1));
  }
}

TEST_CASE("hostile and unusual answers") {
  for (const HostileRow& row : hostile_responses()) {
    const auto bytes = exact(row.bytes);
    const Method method = method_of(row.method);
    check(row, judge_response(view(bytes), method, 0), judge_response(view(bytes), method, 1));
  }
}

TEST_CASE("the table is what it claims to be") {
  std::set<std::string> names;
  std::set<std::string> messages;
  std::size_t passing = 0;
  const auto requests = hostile_requests();
  const auto responses = hostile_responses();
  for (const auto* rows : {&requests, &responses}) {
    for (const HostileRow& row : *rows) {
      INFO(row.why);
      CHECK(messages.insert(row.method + row.bytes).second);
      CHECK(std::string_view(row.rfc).find(' ') != std::string_view::npos);
      if (row.want_status == 0) ++passing;
      if (row.want_status == 0) CHECK_FALSE(row.forwarded_contains.empty());
    }
  }
  CHECK(messages.size() >= 170);
  CHECK(passing >= 60);
  MESSAGE(requests.size() << " requests, " << responses.size() << " answers, " << passing << " of them pass");
}
