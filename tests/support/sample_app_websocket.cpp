#include <openssl/evp.h>

#include <array>

#include "tests/support/sample_app_pages.h"

namespace holdfast::support {
namespace {

constexpr std::size_t kFrameMax = 1u << 20;

std::string unmasked(std::string payload, std::string_view mask) {
  for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>(payload[i] ^ mask[i % 4]);
  return payload;
}

bool read_exactly(Wire& wire, std::size_t bytes, std::string& into) {
  into.clear();
  return wire.read_length(
             bytes, [&](std::string_view part) { into.append(part); }, Deadline{1h}) == End::Whole;
}

std::string frame(unsigned char opcode, std::string_view payload) {
  std::string text(1, static_cast<char>(0x80u | opcode));
  if (payload.size() < 126) {
    text += static_cast<char>(payload.size());
  } else if (payload.size() < 65536) {
    text += static_cast<char>(126);
    for (const unsigned shift : {8u, 0u}) text += static_cast<char>(payload.size() >> shift & 0xffu);
  } else {
    text += static_cast<char>(127);
    for (unsigned shift = 64; shift > 0; shift -= 8) text += static_cast<char>(payload.size() >> (shift - 8) & 0xffu);
  }
  return text.append(payload);
}

/// The payload length: 7 bits, or 2 or 8 bytes behind them (RFC 6455 section 5.2).
bool read_length_of(Wire& wire, unsigned char second, std::size_t& length) {
  length = second & 0x7fu;
  if (length < 126) return true;
  std::string bytes;
  if (!read_exactly(wire, length == 126 ? 2 : 8, bytes)) return false;
  length = 0;
  for (const char c : bytes) length = length << 8 | static_cast<unsigned char>(c);
  return length <= kFrameMax;
}

}  // namespace

std::string websocket_accept(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  std::array<unsigned char, 64> encoded{};
  const int length = EVP_EncodeBlock(encoded.data(), digest.data(), static_cast<int>(size));
  return {encoded.begin(), encoded.begin() + length};
}

void echo_websocket(Wire& wire) {
  constexpr unsigned char kClose = 8, kPing = 9, kPong = 10;
  std::string head, mask, payload;
  while (read_exactly(wire, 2, head)) {
    const auto first = static_cast<unsigned char>(head[0]);
    const auto second = static_cast<unsigned char>(head[1]);
    std::size_t length = 0;
    if ((second & 0x80u) == 0 || !read_length_of(wire, second, length)) return;  // clients must mask
    if (!read_exactly(wire, 4, mask) || !read_exactly(wire, length, payload)) return;
    payload = unmasked(std::move(payload), mask);
    const auto opcode = static_cast<unsigned char>(first & 0x0fu);
    if (opcode == kPong) continue;
    if (wire.send(frame(opcode == kPing ? kPong : opcode, payload)) != Io::Ok || opcode == kClose) return;
  }
}

}  // namespace holdfast::support
