#include "sessions/order.h"

#include <string>

#include "sessions/id_text.h"

namespace holdfast::sessions {

namespace {

// Small enough that a Lua number, a double, holds the product of two remainders exactly.
constexpr std::uint64_t kPrime = 16'777'213;

std::uint64_t weight_of(const std::string& words) {
  std::uint64_t hash = 7;
  for (const char c : words) hash = (hash * 31 + static_cast<unsigned char>(c)) % kPrime;
  return hash * hash % kPrime;
}

}  // namespace

bool is_later(const Key& key, const Binding& a, const Binding& b) {
  if (a.generation != b.generation) return a.generation > b.generation;
  if (a.backend == b.backend) return false;
  if (a.backend == BackendTag::Ended || b.backend == BackendTag::Ended) return a.backend == BackendTag::Ended;
  const std::string id = id_text(key);
  const std::string tag_a = tag_text(a.backend);
  const std::string tag_b = tag_text(b.backend);
  const std::uint64_t weight_a = weight_of(id + tag_a);
  const std::uint64_t weight_b = weight_of(id + tag_b);
  return weight_a != weight_b ? weight_a > weight_b : tag_a > tag_b;
}

}  // namespace holdfast::sessions
