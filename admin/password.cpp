#include "admin/password.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/text.h"

namespace holdfast::admin {

namespace {
constexpr unsigned long long kPasses = 3;
constexpr std::size_t kMemory = 16u << 20;
constexpr std::string_view kArgon2id = "$argon2id$";
}  // namespace

std::string hash_password(std::string_view password) {
  if (sodium_init() < 0) return {};
  std::array<char, crypto_pwhash_STRBYTES> hash{};
  if (crypto_pwhash_str_alg(hash.data(), password.data(), password.size(), kPasses, kMemory,
                            crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return {};
  }
  return hash.data();
}

bool is_password(std::string_view password, const std::string& hash) {
  if (sodium_init() < 0 || !is_password_hash(hash)) return false;
  std::array<char, crypto_pwhash_STRBYTES> padded{};
  std::memcpy(padded.data(), hash.data(), hash.size());
  return crypto_pwhash_str_verify(padded.data(), password.data(), password.size()) == 0;
}

bool is_password_hash(std::string_view text) {
  return text.starts_with(kArgon2id) && text.size() < crypto_pwhash_STRBYTES &&
         std::count(text.begin(), text.end(), '$') == 5;
}

std::string new_token() {
  std::array<std::uint8_t, 32> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  return base::to_base64url(bytes);
}

std::string hash_token(std::string_view token) {
  std::array<std::uint8_t, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(token.data()), token.size());
  return base::to_hex(hash);
}

bool is_same_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace holdfast::admin
