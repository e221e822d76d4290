#include "proxy/send_buffer.h"

#include <algorithm>

namespace holdfast::proxy {

SendBuffer::Outcome SendBuffer::write(net::Stream& stream, std::span<const iovec> pieces, Then then) {
  if (!is_empty()) {
    keep(pieces, 0);
    return {.state = State::Pending};
  }
  const net::IoResult wrote = then == Then::Last ? stream.write_last(pieces) : stream.write(pieces);
  switch (wrote.state) {
    case net::IoResult::State::Ok:
      return {.state = State::Sent, .bytes = wrote.bytes};
    case net::IoResult::State::Blocked:
      keep(pieces, wrote.bytes);
      return {.state = State::Pending, .bytes = wrote.bytes};
    default:
      return {.state = State::Failed, .bytes = wrote.bytes, .error = wrote.error};
  }
}

SendBuffer::Outcome SendBuffer::flush(net::Stream& stream) {
  if (is_empty()) return {};
  const iovec rest[] = {piece(std::string_view(pending_).substr(sent_))};
  const net::IoResult wrote = stream.write(rest);
  if (wrote.state == net::IoResult::State::Failed) return {.state = State::Failed, .error = wrote.error};
  sent_ += wrote.bytes;
  if (!is_empty()) return {.state = State::Pending, .bytes = wrote.bytes};
  clear();
  return {.state = State::Sent, .bytes = wrote.bytes};
}

void SendBuffer::keep(std::span<const iovec> pieces, std::size_t skip) {
  if (is_empty()) {
    clear();
    buffers_.lend(pending_);
  }
  for (const iovec& p : pieces) {
    const std::size_t skipped = std::min(skip, p.iov_len);
    pending_.append(static_cast<const char*>(p.iov_base) + skipped, p.iov_len - skipped);
    skip -= skipped;
  }
}

}  // namespace holdfast::proxy
