#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/time.h"
#include "proxy/identity.h"

namespace holdfast::proxy {

/// What the access log says of one request. Views live only for the call.
struct AccessRecord {
  base::WallTime time{};             ///< When its head was complete.
  std::string_view client = {};      ///< Address it came from (origin_of).
  std::string_view method = {};      ///< Empty: no head could be read.
  std::string_view path = {};        ///< As sent, without the query.
  std::string_view request_id = {};  ///< As sent to the backend. Empty: no head could be read.
  unsigned status = 0;               ///< Sent to the client; 0: it left before there was one.
  std::uint64_t bytes = 0;           ///< Of content sent to the client.
  std::string_view pool = {};        ///< Empty: no route.
  std::string_view backend = {};     ///< The last one tried. Empty: none.
  std::uint32_t attempts = 0;
  std::optional<base::Duration> queue = {};       ///< Waiting for a place at the backend. nullopt: never came to it.
  std::optional<base::Duration> connect = {};     ///< 0 on a kept-alive connection.
  std::optional<base::Duration> first_byte = {};  ///< From the head's end to the response's first byte.
  base::Duration total{};
  Stickiness stickiness = Stickiness::None;
};

/// Longest path that is written out, in bytes.
inline constexpr std::size_t kLoggedPathMax = 512;

/// Appends one line with its newline. No allocation once `out` has grown to its usual size.
///
/// Times are milliseconds with three decimals; what never happened is "-" as text and null as JSON. What clients and
/// apps put into requests is escaped, so a line is one line whatever comes. The path is cut at kLoggedPathMax ("..."
/// follows). The query is not written, and of path parameters only that there was one (";~"): both are where apps carry
/// session ids and tokens ("?auth=", ";jsessionid="), which must not stand in a log.
void append_access_line(std::string& out, const AccessRecord& record, base::LogFormat format);

}  // namespace holdfast::proxy
