#include "redis/redis.h"

#include <openssl/evp.h>

#include <array>

#include "base/check.h"
#include "base/text.h"

namespace holdfast::redis {

RedisScript::RedisScript(std::string_view name, std::string_view source) : name_(name), source_(source) {
  // Not for security: it is the name by which Redis knows a script.
  std::array<std::uint8_t, 20> digest{};
  unsigned length = 0;
  const int made = EVP_Digest(source.data(), source.size(), digest.data(), &length, EVP_sha1(), nullptr);
  base::check(made == 1 && length == digest.size(), "OpenSSL offers SHA-1");
  sha1_ = base::to_hex(digest);
}

}  // namespace holdfast::redis
