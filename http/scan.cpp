#include "http/scan.h"

#include <bit>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace holdfast::http::scan {

namespace portable {

const char* token_end(const char* begin, const char* end) {
  while (begin != end && is_token_char(*begin)) ++begin;
  return begin;
}
const char* value_end(const char* begin, const char* end) {
  while (begin != end && is_value_char(*begin)) ++begin;
  return begin;
}
const char* target_end(const char* begin, const char* end) {
  while (begin != end && is_target_char(*begin)) ++begin;
  return begin;
}

}  // namespace portable

bool is_token(std::string_view text) {
  const char* end = text.data() + text.size();
  return !text.empty() && token_end(text.data(), end) == end;
}

#if defined(__SSE2__)

namespace {

constexpr std::ptrdiff_t kBlock = 16;

__m128i load(const char* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
__m128i all(int byte) { return _mm_set1_epi8(static_cast<char>(byte)); }
unsigned mask(__m128i lanes) { return static_cast<unsigned>(_mm_movemask_epi8(lanes)); }
/// Lanes with low <= byte <= high, unsigned. SSE2 compares signed bytes only, but has an unsigned minimum.
__m128i in_range(__m128i bytes, int low, int high) {
  const __m128i shifted = _mm_sub_epi8(bytes, all(low));
  return _mm_cmpeq_epi8(_mm_min_epu8(shifted, all(high - low)), shifted);
}

/// Lanes of a block that may not be in a field's value.
unsigned not_of_value(const char* block) {
  const __m128i bytes = load(block);
  const __m128i controls = _mm_andnot_si128(_mm_cmpeq_epi8(bytes, all('\t')), in_range(bytes, 0x00, 0x1f));
  return mask(_mm_or_si128(controls, _mm_cmpeq_epi8(bytes, all(0x7f))));
}

}  // namespace

const char* token_end(const char* begin, const char* end) {
  while (end - begin >= kBlock) {
    // Letters, digits and '-' make up nearly every name; setting bit 5 folds the two cases of letters, and brings no
    // other byte into a..z. The rarer marks are looked up one by one.
    const __m128i bytes = load(begin);
    const __m128i letters = in_range(_mm_or_si128(bytes, all(0x20)), 'a', 'z');
    const __m128i digits = in_range(bytes, '0', '9');
    const __m128i dashes = _mm_cmpeq_epi8(bytes, all('-'));
    const unsigned common = mask(_mm_or_si128(letters, _mm_or_si128(digits, dashes)));
    if (common == 0xffff) {
      begin += kBlock;
      continue;
    }
    begin += std::countr_one(common);
    if (!is_token_char(*begin)) return begin;
    ++begin;
  }
  return portable::token_end(begin, end);
}

const char* value_end(const char* begin, const char* end) {
  const char* const start = begin;
  for (; end - begin >= kBlock; begin += kBlock) {
    if (const unsigned bad = not_of_value(begin); bad != 0) return begin + std::countr_zero(bad);
  }
  if (end - start < kBlock) return portable::value_end(begin, end);
  // The last block, some bytes of which have been found good already: a head's last value ends in it.
  const char* const last = end - kBlock;
  const unsigned bad = not_of_value(last);
  return bad != 0 ? last + std::countr_zero(bad) : end;
}

const char* target_end(const char* begin, const char* end) {
  for (; end - begin >= kBlock; begin += kBlock) {
    const __m128i bytes = load(begin);
    const __m128i good = _mm_andnot_si128(_mm_cmpeq_epi8(bytes, all('#')), in_range(bytes, 0x21, 0x7e));
    const unsigned fine = mask(good);
    if (fine != 0xffff) return begin + std::countr_one(fine);
  }
  return portable::target_end(begin, end);
}

#else

const char* token_end(const char* begin, const char* end) { return portable::token_end(begin, end); }
const char* value_end(const char* begin, const char* end) { return portable::value_end(begin, end); }
const char* target_end(const char* begin, const char* end) { return portable::target_end(begin, end); }

#endif

}  // namespace holdfast::http::scan
