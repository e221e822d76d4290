#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/socket.h"

namespace holdfast::support {

struct WireField {
  std::string name;
  std::string value;
};

/// Gets the pieces of a body as they come, so that a large one need not be kept.
using Sink = std::function<void(std::string_view)>;

/// One HTTP/1 head as it came over the wire: first line and fields, nothing interpreted.
struct WireHead {
  std::string first_line;
  std::vector<WireField> fields;
  std::string raw;  ///< All its bytes, with the empty line.

  /// The value of the only field of that name; several are joined with " || " so that no test misses a second one.
  std::optional<std::string> field(std::string_view name) const;
  std::size_t count(std::string_view name) const;
};

/// How reading a message ended.
enum class End : std::uint8_t {
  Whole,      ///< As its own framing says.
  Truncated,  ///< The peer closed in the middle.
  Reset,      ///< The peer broke the connection in the middle.
  Timeout,
  Malformed,  ///< Not HTTP as a strict reader takes it.
  Nothing,    ///< The peer closed before the first byte.
};
std::string_view name_of(End end);

/// The tests' own strict, blocking reader of HTTP/1 messages on a connection. It shares no code with the proxy on
/// purpose: an error there must not hide itself here.
class Wire {
 public:
  Wire() = default;
  explicit Wire(Fd socket) : socket_(std::move(socket)) {}

  bool is_open() const { return socket_.is_open(); }
  Fd& socket() { return socket_; }
  Io send(std::string_view bytes, Deadline deadline = Deadline{}) { return send_all(socket_, bytes, deadline); }

  /// Lines must end in CRLF, field lines must have a name and a colon.
  End read_head(WireHead& head, Deadline deadline = Deadline{});
  /// Content of exactly `length` bytes.
  End read_length(std::uint64_t length, const Sink& sink, Deadline deadline = Deadline{});
  /// Chunked content with its trailer section (RFC 9112 section 7.1).
  End read_chunked(const Sink& sink, std::vector<WireField>& trailers, Deadline deadline = Deadline{});
  /// Content that ends where the connection ends; Whole only for an orderly end.
  End read_until_close(const Sink& sink, Deadline deadline = Deadline{});
  /// One line without its CRLF.
  End read_line(std::string& line, Deadline deadline = Deadline{});
  /// Bytes that have come and were not asked for yet.
  std::string take_rest() { return std::exchange(rest_, {}); }
  bool has_rest() const { return !rest_.empty(); }
  /// The first 64 KiB that came, as they came.
  const std::string& received() const { return received_; }

 private:
  End fill(Deadline deadline);
  End read_field_lines(std::vector<WireField>& fields, std::string& raw, Deadline deadline);

  Fd socket_;
  std::string rest_;
  std::string received_;
};

/// "name: value" of a field line; nullopt when it is none.
std::optional<WireField> parse_field_line(std::string_view line);

}  // namespace holdfast::support
