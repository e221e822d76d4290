#include "proxy/quarantine.h"

#include <algorithm>
#include <cstring>

#include "base/random.h"
#include "base/text.h"

namespace holdfast::proxy {

namespace {

constexpr std::uint64_t kFnvPrime = 0x0000'0100'0000'01b3;

constexpr std::uint64_t with(std::uint64_t hash, char c) { return (hash ^ static_cast<unsigned char>(c)) * kFnvPrime; }
constexpr std::uint64_t with(std::uint64_t hash, std::string_view text) {
  for (const char c : text) hash = with(hash, c);
  return hash;
}

struct RequestLine {
  std::string_view method;
  std::string_view target;
};
RequestLine line_of(std::string_view head) {
  const std::string_view method = head.substr(0, head.find(' '));
  const std::string_view rest = head.substr(std::min(method.size() + 1, head.size()));
  return {method, rest.substr(0, rest.find(' '))};
}

/// Eight bytes at a time.
std::uint64_t line_hash(const conf::Pool& pool, std::string_view line) {
  std::uint64_t hash = line.size() << 32 | conf::index(pool.id);
  std::size_t at = 0;
  for (; at + 8 <= line.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, line.data() + at, 8);
    hash = base::Random::mix(hash ^ word);
  }
  std::uint64_t rest = 0;
  for (; at < line.size(); ++at) rest = rest << 8 | static_cast<unsigned char>(line[at]);
  return base::Random::mix(hash ^ rest);
}

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// `entry` is of this request, and of who asks it. NotYet: as far as it can be told.
bool is_of(const Fingerprint& entry, const Fingerprint& fingerprint, QuarantineView::Body body) {
  return entry.head == fingerprint.head && entry.length == fingerprint.length &&
         (entry.client == ClientTag::Everybody || entry.client == fingerprint.client) &&
         (body == QuarantineView::Body::NotYet || entry.body == fingerprint.body);
}

}  // namespace

void BodyFingerprint::add(std::span<const char> content) {
  const std::size_t taken = std::min(content.size(), kBytes - bytes_);
  for (const char c : content.first(taken)) hash_ = with(hash_, c);
  bytes_ += taken;
}

std::uint64_t id_of(const Fingerprint& fingerprint) {
  const std::uint64_t asked =
      base::Random::mix(fingerprint.body ^ base::Random::mix(static_cast<std::uint64_t>(fingerprint.client)));
  return base::Random::mix(fingerprint.head ^ base::Random::mix(fingerprint.length ^ asked));
}

std::uint64_t head_fingerprint(std::string_view pool, std::string_view head) {
  const RequestLine line = line_of(head);
  return base::Random::mix(with(with(with(with(with(kFnvStart, pool), ' '), line.method), ' '), line.target));
}

// For each request that is answered: one pass, and each segment is hashed as a name until a digit is met.
std::uint64_t kind_fingerprint(std::string_view pool, std::string_view head) {
  std::uint64_t hash = with(with(kFnvStart, pool), ' ');  // up to the segment
  std::size_t at = 0;
  for (; at < head.size() && head[at] != ' '; ++at) hash = with(hash, head[at]);
  std::uint64_t segment = with(hash, ' ');
  bool has_digit = false;
  for (++at; at < head.size(); ++at) {
    const char c = head[at];
    if (c == '/') {
      hash = has_digit ? with(hash, '#') : segment;
      hash = with(hash, '/');
      segment = hash;
      has_digit = false;
    } else if (c == ' ' || c == '?' || c == ';') {
      break;
    } else {
      segment = with(segment, c);
      has_digit = has_digit || is_digit(c);
    }
  }
  return base::Random::mix(has_digit ? with(hash, '#') : segment);
}

std::uint64_t SeenKinds::kind_of(const conf::Pool& pool, std::string_view line) {
  const std::uint64_t hash = line_hash(pool, line);
  Known& known = known_[hash % kPlaces];
  if (known.line != hash) known = {hash, kind_fingerprint(pool.name, line)};
  return known.kind;
}

const QuarantineView::Entry* QuarantineView::refusing(const Fingerprint& fingerprint, Body body,
                                                      base::Instant now) const {
  const auto [first, last] = entries.equal_range(fingerprint.head);
  const auto at = std::find_if(first, last, [&](const auto& each) {
    return each.second.is_quarantined && now < each.second.until && is_of(each.second.fingerprint, fingerprint, body);
  });
  return at == last ? nullptr : &at->second;
}

bool QuarantineView::suspects(const Fingerprint& fingerprint) const {
  const auto [first, last] = entries.equal_range(fingerprint.head);
  return std::any_of(first, last, [&](const auto& each) {
    return !each.second.is_quarantined && is_of(each.second.fingerprint, fingerprint, Body::Whole);
  });
}

}  // namespace holdfast::proxy
