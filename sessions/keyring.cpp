#include "sessions/keyring.h"

#include <sodium.h>

#include <algorithm>
#include <cstring>

#include "base/big_endian.h"
#include "base/check.h"
#include "base/text.h"

namespace holdfast::sessions {

namespace {

// What a hashed message is about comes first in it, so that no two kinds of message are ever the same bytes.
enum class About : std::uint8_t { BindResult = 1, LongHeld = 2, CookieId = 3, Backend = 4 };

constexpr std::size_t kShortMax = 512;  // bytes hashed at once, from the stack; nearly every id is far below it
constexpr char kContext[crypto_kdf_CONTEXTBYTES + 1] = "holdfast";

using Hash128 = std::array<std::uint8_t, 16>;
static_assert(crypto_shorthash_siphashx24_BYTES == 16 && crypto_shorthash_siphashx24_KEYBYTES == 16);

void start_sodium() {
  static const bool started = sodium_init() >= 0;
  base::check(started, "libsodium finds a source of random bytes");
}

std::array<std::uint8_t, 8> length_prefix(std::string_view text) {
  std::array<std::uint8_t, 8> bytes{};
  base::store_big_endian(bytes.data(), text.size());
  return bytes;
}

Hash128 siphash(std::span<const std::uint8_t> message, const Hash128& key) {
  Hash128 out{};
  crypto_shorthash_siphashx24(out.data(), message.data(), message.size(), key.data());
  return out;
}

void feed(crypto_generichash_state& state, const void* data, std::size_t size) {
  crypto_generichash_update(&state, static_cast<const std::uint8_t*>(data), size);
}

// SipHash takes its message in one piece: what does not fit the stack buffer is first brought down to its BLAKE2b
// digest, and the digest is hashed under a label of its own.
Hash128 hash_long(std::string_view first, std::string_view second, About about, const Hash128& key) {
  crypto_generichash_state state;
  std::array<std::uint8_t, 2 + 32> message{static_cast<std::uint8_t>(About::LongHeld),
                                           static_cast<std::uint8_t>(about)};
  crypto_generichash_init(&state, nullptr, 0, 32);
  const auto prefix = length_prefix(first);
  feed(state, prefix.data(), prefix.size());
  feed(state, first.data(), first.size());
  feed(state, second.data(), second.size());
  crypto_generichash_final(&state, message.data() + 2, 32);
  return siphash(message, key);
}

/// Of (about, first, second), each pair of texts apart from every other: the first one goes with its length.
Hash128 hash_pair(About about, std::string_view first, std::string_view second, const Hash128& key) {
  constexpr std::size_t kFirstAt = 1 + 8;
  const std::size_t size = kFirstAt + first.size() + second.size();
  if (size > kShortMax) return hash_long(first, second, about, key);
  std::array<std::uint8_t, kShortMax> message;
  message[0] = static_cast<std::uint8_t>(about);
  base::store_big_endian(&message[1], first.size());
  if (!first.empty()) std::memcpy(&message[kFirstAt], first.data(), first.size());
  if (!second.empty()) std::memcpy(&message[kFirstAt + first.size()], second.data(), second.size());
  return siphash(std::span(message).first(size), key);
}

Key key_of(const Hash128& hash) { return {base::load_big_endian(hash.data()), base::load_big_endian(hash.data() + 8)}; }

template <std::size_t N>
void derive(std::array<std::uint8_t, N>& key, std::uint64_t number, const std::uint8_t* master) {
  crypto_kdf_derive_from_key(key.data(), key.size(), number, kContext, master);
}

}  // namespace

Keyring::Keyring(std::string_view secret) {
  start_sodium();
  std::array<std::uint8_t, crypto_kdf_KEYBYTES> master{};
  crypto_generichash(master.data(), master.size(), reinterpret_cast<const std::uint8_t*>(secret.data()), secret.size(),
                     nullptr, 0);
  derive(session_key_, 1, master.data());
  derive(tag_key_, 2, master.data());
  derive(mac_key_, 3, master.data());
  derive(shown_key_, 4, master.data());
  sodium_memzero(master.data(), master.size());
}

Key Keyring::session_key(std::string_view pool, std::string_view held) const {
  return key_of(hash_pair(About::BindResult, pool, held, session_key_));
}

Key Keyring::session_key(std::string_view pool, std::span<const std::uint8_t, 16> id) const {
  const std::string_view text(reinterpret_cast<const char*>(id.data()), id.size());
  return key_of(hash_pair(About::CookieId, pool, text, session_key_));
}

BackendTag Keyring::backend_tag(std::string_view pool, std::string_view backend) const {
  const std::uint64_t tag = key_of(hash_pair(About::Backend, pool, backend, tag_key_)).high;
  return BackendTag{tag == 0 ? 1 : tag};
}

std::array<std::uint8_t, 16> Keyring::mac(std::span<const std::uint8_t> message) const {
  std::array<std::uint8_t, 16> out{};
  crypto_generichash(out.data(), out.size(), message.data(), message.size(), mac_key_.data(), mac_key_.size());
  return out;
}

std::string Keyring::shown_id(const Key& key) const {
  std::array<std::uint8_t, 16> message{};
  base::store_big_endian(message.data(), key.high);
  base::store_big_endian(message.data() + 8, key.low);
  const Hash128 shown = siphash(message, shown_key_);
  return base::to_hex(std::span(shown).first(8));
}

std::array<std::uint8_t, 16> random_id() {
  // The system's random bytes cost a system call: taken for 64 ids at once, and wiped here as they are handed out.
  constexpr std::size_t kIdBytes = 16;
  thread_local std::array<std::uint8_t, 64 * kIdBytes> stock;
  thread_local std::size_t used = stock.size();
  if (used == stock.size()) {
    start_sodium();
    randombytes_buf(stock.data(), stock.size());
    used = 0;
  }
  std::array<std::uint8_t, kIdBytes> id{};
  std::copy_n(stock.begin() + static_cast<std::ptrdiff_t>(used), kIdBytes, id.begin());
  sodium_memzero(stock.data() + used, kIdBytes);
  used += kIdBytes;
  return id;
}

}  // namespace holdfast::sessions
