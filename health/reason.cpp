#include "health/reason.h"

namespace holdfast::health {

std::string bounded_detail(std::string text) {
  constexpr std::string_view kMore = "...";
  if (text.size() <= kDetailBytesMax) return text;
  std::size_t length = kDetailBytesMax - kMore.size();
  while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0u) == 0x80u) --length;
  text.resize(length);
  text += kMore;
  return text;
}

}  // namespace holdfast::health
