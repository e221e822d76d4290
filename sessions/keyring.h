#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "sessions/key.h"

namespace holdfast::sessions {

/// All keys of this installation, derived from its one secret. Immutable: any thread. Never logged or shown.
class Keyring {
 public:
  /// `secret` is at least 16 bytes (the caller checks and reports); the same on every proxy.
  explicit Keyring(std::string_view secret);

  /// The map's key of what the client holds (an app's session id, a header value, an address), per pool. SipHash-2-4
  /// with 128 bits: fast, keyed, no allocation.
  Key session_key(std::string_view pool, std::string_view held) const;
  /// The same for our own cookie's id.
  Key session_key(std::string_view pool, std::span<const std::uint8_t, 16> id) const;

  BackendTag backend_tag(std::string_view pool, std::string_view backend) const;

  /// The cookie's MAC: keyed BLAKE2b, 16 bytes.
  std::array<std::uint8_t, 16> mac(std::span<const std::uint8_t> message) const;
  /// For masks and ids shown to people: a session's public name, a keyed hash of the key in hex.
  std::string shown_id(const Key& key) const;

 private:
  std::array<std::uint8_t, 16> session_key_{};
  std::array<std::uint8_t, 16> tag_key_{};
  std::array<std::uint8_t, 32> mac_key_{};
  std::array<std::uint8_t, 16> shown_key_{};
};

/// 16 random bytes from the system's generator.
std::array<std::uint8_t, 16> random_id();

}  // namespace holdfast::sessions
