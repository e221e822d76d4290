#include "sessions/id_text.h"

#include <array>
#include <charconv>

#include "base/text.h"

namespace holdfast::sessions {

namespace {
constexpr std::size_t kTagDigits = 16;
}

std::string id_text(const Key& key) {
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<std::uint8_t>(key.high >> (56 - 8 * i));
    bytes[8 + i] = static_cast<std::uint8_t>(key.low >> (56 - 8 * i));
  }
  return base::to_base64url(bytes);
}

std::optional<Key> parse_id(std::string_view text) {
  std::array<std::uint8_t, 16> bytes{};
  if (!base::from_base64url(text, bytes)) return std::nullopt;
  Key key;
  for (std::size_t i = 0; i < 8; ++i) {
    key.high = key.high << 8 | bytes[i];
    key.low = key.low << 8 | bytes[8 + i];
  }
  return key;
}

std::string tag_text(BackendTag tag) {
  std::string out(kTagDigits, '0');
  auto value = static_cast<std::uint64_t>(tag);
  for (std::size_t i = kTagDigits; i-- > 0; value >>= 4) out[i] = "0123456789abcdef"[value & 0xF];
  return out;
}

std::optional<BackendTag> parse_tag(std::string_view text) {
  if (text.size() != kTagDigits) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc{} || end != text.data() + text.size() || value == 0) return std::nullopt;
  return BackendTag{value};
}

}  // namespace holdfast::sessions
