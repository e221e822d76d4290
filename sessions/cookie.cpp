#include "sessions/cookie.h"

#include <sodium.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <limits>
#include <span>

#include "base/text.h"

namespace holdfast::sessions {

namespace {

// | kind 1 | id 16 | backend tag 8 | generation 4 | issued 4 | MAC 16 |, numbers big-endian.
constexpr std::size_t kIdAt = 1;
constexpr std::size_t kTagAt = kIdAt + 16;
constexpr std::size_t kGenerationAt = kTagAt + 8;
constexpr std::size_t kIssuedAt = kGenerationAt + 4;
constexpr std::size_t kMacAt = kIssuedAt + 4;
constexpr std::size_t kSize = kMacAt + 16;
constexpr std::size_t kTextSize = (kSize * 4 + 2) / 3;
// What is looked at to know the claim: bytes up to the MAC, in whole groups of four characters.
constexpr std::size_t kPeeked = 33;
constexpr std::size_t kPeekedText = kPeeked / 3 * 4;
constexpr std::string_view kLabel = "holdfast ticket";  // the MAC of a ticket is never that of anything else

using Bytes = std::array<std::uint8_t, kSize>;

void put(std::uint8_t* at, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) at[i] = static_cast<std::uint8_t>(value >> (8 * (size - 1 - i)));
}

std::uint64_t get(const std::uint8_t* at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = (value << 8) | at[i];
  return value;
}

std::array<std::uint8_t, 16> mac_of(const Bytes& bytes, const Keyring& keyring) {
  std::array<std::uint8_t, kLabel.size() + kMacAt> message;
  const auto body = std::copy(kLabel.begin(), kLabel.end(), message.begin());
  std::copy_n(bytes.begin(), kMacAt, body);
  return keyring.mac(message);
}

/// Seconds since 1970 as 32 bits (until 2106); what does not fit becomes the nearest that does.
std::uint32_t unix_seconds(base::WallTime t) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(seconds, 0, std::numeric_limits<std::uint32_t>::max()));
}

bool has_our_form(std::string_view cookie, TicketKind kind, Bytes& bytes) {
  return base::from_base64url(cookie, bytes) && bytes[0] == static_cast<std::uint8_t>(kind);
}

base::WallTime issued_in(const std::uint8_t* bytes) {
  return base::WallTime{std::chrono::seconds{get(bytes + kIssuedAt, 4)}};
}

}  // namespace

std::string seal(const Ticket& ticket, const Keyring& keyring, TicketKind kind) {
  Bytes bytes{static_cast<std::uint8_t>(kind)};
  std::copy(ticket.id.begin(), ticket.id.end(), bytes.begin() + kIdAt);
  put(&bytes[kTagAt], static_cast<std::uint64_t>(ticket.backend), 8);
  put(&bytes[kGenerationAt], static_cast<std::uint32_t>(ticket.generation), 4);
  put(&bytes[kIssuedAt], unix_seconds(ticket.issued), 4);
  const auto mac = mac_of(bytes, keyring);
  std::copy(mac.begin(), mac.end(), bytes.begin() + kMacAt);
  return base::to_base64url(bytes);
}

SessionId companion_id(const Key& key) {
  SessionId id;
  put(id.data(), key.high, 8);
  put(id.data() + 8, key.low, 8);
  return id;
}

std::optional<Claim> peek(std::string_view cookie, TicketKind kind) {
  std::array<std::uint8_t, kPeeked> bytes{};
  if (cookie.size() != kTextSize || !base::from_base64url(cookie.substr(0, kPeekedText), bytes) ||
      bytes[0] != static_cast<std::uint8_t>(kind)) {
    return std::nullopt;
  }
  Claim claim;
  std::copy_n(bytes.begin() + kIdAt, claim.id.size(), claim.id.begin());
  claim.generation = Generation{static_cast<std::uint32_t>(get(&bytes[kGenerationAt], 4))};
  claim.issued = issued_in(bytes.data());
  return claim;
}

const LastCookie::Session* LastCookie::read(std::string_view cookie, const conf::Pool& pool, const Keyring& keyring) {
  static_assert(kRead == kPeekedText);
  const bool is_first = read_[0] == '\0';
  const bool is_same = cookie.size() == kTextSize && std::memcmp(cookie.data(), read_.data(), kRead) == 0;
  if (is_same && !is_first && pool_ == pool.id) return &session_;
  const auto claim = peek(cookie);
  if (!claim) return nullptr;
  std::copy_n(cookie.begin(), kRead, read_.begin());
  pool_ = pool.id;
  session_ = {claim->id, claim->generation,
              keyring.session_key(pool.name, std::span<const std::uint8_t, 16>(claim->id))};
  return &session_;
}

std::optional<Ticket> open(std::string_view cookie, const Keyring& keyring, TicketKind kind) {
  Bytes bytes;
  if (!has_our_form(cookie, kind, bytes)) return std::nullopt;
  const auto mac = mac_of(bytes, keyring);
  if (sodium_memcmp(mac.data(), &bytes[kMacAt], mac.size()) != 0) return std::nullopt;
  Ticket ticket;
  std::copy_n(bytes.begin() + kIdAt, ticket.id.size(), ticket.id.begin());
  ticket.backend = BackendTag{get(&bytes[kTagAt], 8)};
  ticket.generation = Generation{static_cast<std::uint32_t>(get(&bytes[kGenerationAt], 4))};
  ticket.issued = issued_in(bytes.data());
  return ticket;
}

}  // namespace holdfast::sessions
