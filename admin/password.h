#pragma once

#include <string>
#include <string_view>

namespace holdfast::admin {

/// A password as the configuration keeps it: Argon2id (RFC 9106) with its parameters and salt, as libsodium writes it.
/// Takes some 16 MiB and tens of milliseconds on purpose. Empty where there is no memory for it.
std::string hash_password(std::string_view password);
/// The same cost as hash_password(), whatever the response. False for a text that is no such hash.
bool is_password(std::string_view password, const std::string& hash);
/// Does it look like what hash_password() gives?
bool is_password_hash(std::string_view text);

/// A new token for scripts: 32 random bytes in base64url.
std::string new_token();
/// SHA-256 in hex: a token has so much chance in it that no costly hash is needed.
std::string hash_token(std::string_view token);

/// Compared in a time that says nothing of where they differ.
bool is_same_secret(std::string_view a, std::string_view b);

}  // namespace holdfast::admin
