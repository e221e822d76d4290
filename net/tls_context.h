#pragma once

#include <memory>
#include <string>

#include "base/result.h"

struct ssl_ctx_st;
struct ssl_st;

namespace holdfast::net {

/// What TLS sessions of one kind have in common: TLS 1.2 or newer, no renegotiation, no compression. Read-only once it
/// is made: any thread.
class TlsContext {
 public:
  using Ssl = std::unique_ptr<ssl_st, void (*)(ssl_st*)>;

  /// A server's: PEM files, the certificate with its chain. Errors: Invalid, with the file and what is wrong with it.
  static base::Result<std::shared_ptr<const TlsContext>> server(const std::string& cert, const std::string& key);
  /// A client's, who believes the authorities in the PEM file `ca`; empty: those of this machine. Errors: Invalid.
  static base::Result<std::shared_ptr<const TlsContext>> client(const std::string& ca);

  /// Without a transport yet.
  Ssl accepting() const;
  /// Believes only a certificate for `host`, a name or an address.
  Ssl connecting(const std::string& host) const;

 private:
  using Handle = std::unique_ptr<ssl_ctx_st, void (*)(ssl_ctx_st*)>;
  explicit TlsContext(Handle handle) : handle_(std::move(handle)) {}
  static Handle make(bool is_server);

  Handle handle_;
};

/// The last error of OpenSSL on this thread in words, and forgets them all.
std::string tls_error_text();

}  // namespace holdfast::net
