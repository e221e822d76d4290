#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/head.h"

namespace holdfast::http {

struct HeadLimits {
  std::size_t bytes_max = 32u << 10;  ///< Of the whole head, with its last empty line.
  std::size_t fields_max = 128;
};

/// What a parser found at the start of the input.
struct Parsed {
  enum class State : std::uint8_t { Incomplete, Complete, Bad };
  State state = State::Incomplete;
  std::size_t consumed = 0;    ///< With Complete: bytes of the head; the body (or the next message) follows.
  std::uint16_t status = 400;  ///< With Bad: the status for the client (400, 414, 417, 431, 501, 505; responses: 502).
  const char* why = "";        ///< With Bad: a static text for the log.
};

/// Parses a request head in place: strict (RFC 9110, RFC 9112), nothing ambiguous passes. One empty line (CRLF) before
/// the request line is skipped (RFC 9112 section 2.2) and counted in `consumed`.
/// `input` is all that has come so far. Incremental: call again with more; `searched` is how much of it an earlier call
/// has already seen as Incomplete (0 at first), so that slow senders cost no more than quick ones. Errors show as soon
/// as the offending line is there. `head` is overwritten; its views point into `input`.
Parsed parse_request_head(std::string_view input, std::size_t searched, const HeadLimits& limits, RequestHead& head);

/// The same for a response to a request made with `request_method`. 1xx responses parse like others, with framing None.
/// `Bad` means: not to be passed on (502).
Parsed parse_response_head(std::string_view input, std::size_t searched, const HeadLimits& limits,
                           Method request_method, ResponseHead& head);

}  // namespace holdfast::http
