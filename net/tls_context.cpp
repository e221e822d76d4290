#include "net/tls_context.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <new>
#include <utility>

namespace holdfast::net {

namespace {

base::Error invalid(const std::string& file, std::string_view what) {
  return {base::ErrorCode::Invalid, file + ": " + std::string(what) + ": " + tls_error_text()};
}

bool is_address(const std::string& host) {
  std::array<unsigned char, 16> bytes{};
  return inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 || inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

TlsContext::Ssl ssl_of(SSL_CTX* context) {
  SSL* const made = SSL_new(context);
  if (made == nullptr) throw std::bad_alloc();
  return {made, &SSL_free};
}

}  // namespace

std::string tls_error_text() {
  std::string text = "no reason given";
  while (const unsigned long error = ERR_get_error()) {
    const char* const reason = ERR_reason_error_string(error);
    if (reason != nullptr) text = reason;
  }
  return text;
}

TlsContext::Handle TlsContext::make(bool is_server) {
  ERR_clear_error();
  SSL_CTX* const made = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
  if (made == nullptr) throw std::bad_alloc();
  SSL_CTX_set_min_proto_version(made, TLS1_2_VERSION);
  SSL_CTX_set_options(made, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(made, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return {made, &SSL_CTX_free};
}

base::Result<std::shared_ptr<const TlsContext>> TlsContext::server(const std::string& cert, const std::string& key) {
  Handle handle = make(true);
  if (SSL_CTX_use_certificate_chain_file(handle.get(), cert.c_str()) != 1) return invalid(cert, "no certificate");
  if (SSL_CTX_use_PrivateKey_file(handle.get(), key.c_str(), SSL_FILETYPE_PEM) != 1) return invalid(key, "no key");
  if (SSL_CTX_check_private_key(handle.get()) != 1) return invalid(key, "not the certificate's key");
  return std::shared_ptr<const TlsContext>(new TlsContext(std::move(handle)));
}

base::Result<std::shared_ptr<const TlsContext>> TlsContext::client(const std::string& ca) {
  Handle handle = make(false);
  SSL_CTX_set_verify(handle.get(), SSL_VERIFY_PEER, nullptr);
  if (ca.empty()) {
    SSL_CTX_set_default_verify_paths(handle.get());
  } else if (SSL_CTX_load_verify_file(handle.get(), ca.c_str()) != 1) {
    return invalid(ca, "no certificate authority");
  }
  return std::shared_ptr<const TlsContext>(new TlsContext(std::move(handle)));
}

TlsContext::Ssl TlsContext::accepting() const {
  Ssl ssl = ssl_of(handle_.get());
  SSL_set_accept_state(ssl.get());
  return ssl;
}

TlsContext::Ssl TlsContext::connecting(const std::string& host) const {
  Ssl ssl = ssl_of(handle_.get());
  SSL_set_connect_state(ssl.get());
  if (is_address(host)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), host.c_str());
  } else {
    SSL_set_tlsext_host_name(ssl.get(), host.c_str());
    SSL_set1_host(ssl.get(), host.c_str());
  }
  return ssl;
}

}  // namespace holdfast::net
