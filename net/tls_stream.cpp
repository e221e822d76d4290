#include "net/tls_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace holdfast::net {

using State = IoResult::State;

TlsStream::TlsStream(TlsContext::Ssl ssl, std::unique_ptr<Stream> transport)
    : transport_(std::move(transport)), ssl_(std::move(ssl)) {
  SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  transport_->set_handler(this);
}

TlsStream::~TlsStream() {
  if (is_broken_ || SSL_is_init_finished(ssl_.get()) == 0) return;
  SSL_shutdown(ssl_.get());
  flush();
}

void TlsStream::on_readable() {
  if (handler_ != nullptr) handler_->on_readable();
  if (!is_write_waiting_ || SSL_is_init_finished(ssl_.get()) == 0) return;
  is_write_waiting_ = false;
  if (handler_ != nullptr) handler_->on_writable();
}

void TlsStream::on_writable() {
  if (flush() == Flushed::Blocked || handler_ == nullptr) return;
  handler_->on_writable();
}

bool TlsStream::pull() {
  std::array<char, 16u << 10> bytes;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  transport_result_ = transport_->read(bytes);
  if (transport_result_.state != State::Ok) return false;
  BIO_write(SSL_get_rbio(ssl_.get()), bytes.data(), static_cast<int>(transport_result_.bytes));
  return true;
}

TlsStream::Flushed TlsStream::flush() {
  BIO* const out = SSL_get_wbio(ssl_.get());
  char* bytes = nullptr;
  const long pending = BIO_get_mem_data(out, &bytes);
  if (pending <= 0) return Flushed::All;
  const iovec piece{bytes, static_cast<std::size_t>(pending)};
  const IoResult wrote = transport_->write({&piece, 1});
  if (wrote.state == State::Failed) {
    is_broken_ = true;
    return Flushed::Failed;
  }
  std::array<char, 4096> taken;  // NOLINT(cppcoreguidelines-pro-type-member-init): read and dropped
  for (std::size_t left = wrote.bytes; left > 0;) {
    const int dropped = BIO_read(out, taken.data(), static_cast<int>(std::min(left, taken.size())));
    left -= static_cast<std::size_t>(dropped);
  }
  return wrote.state == State::Blocked ? Flushed::Blocked : Flushed::All;
}

IoResult TlsStream::broken(base::ErrorCode error) {
  is_broken_ = true;
  return {.state = State::Failed, .error = error};
}

IoResult TlsStream::protocol_error() {
  error_text_ = tls_error_text();
  flush();  // the alert that says so
  return broken(base::ErrorCode::Malformed);
}

IoResult TlsStream::read(std::span<char> into) {
  if (is_broken_) return broken(base::ErrorCode::Closed);
  std::size_t have = 0;
  // Until nothing more is there: a short read promises that.
  while (have < into.size()) {
    ERR_clear_error();
    const int got = SSL_read(ssl_.get(), into.data() + have, static_cast<int>(into.size() - have));
    if (got > 0) {
      have += static_cast<std::size_t>(got);
      continue;
    }
    const int why = SSL_get_error(ssl_.get(), got);
    if (why != SSL_ERROR_WANT_READ && have > 0) break;  // the next read says it again
    if (why == SSL_ERROR_ZERO_RETURN) return {.state = State::Closed};
    if (why != SSL_ERROR_WANT_READ) return protocol_error();
    if (flush() == Flushed::Failed) return broken(base::ErrorCode::Reset);  // the handshake's part of ours
    if (pull()) continue;
    if (have > 0) break;
    return transport_result_.state == State::Failed ? broken(transport_result_.error)
                                                    : IoResult{.state = transport_result_.state};
  }
  return {.state = State::Ok, .bytes = have};
}

IoResult TlsStream::write(std::span<const iovec> pieces) {
  if (is_broken_) return broken(base::ErrorCode::Closed);
  switch (flush()) {
    case Flushed::Failed:
      return broken(base::ErrorCode::Reset);
    case Flushed::Blocked:
      return {.state = State::Blocked};
    case Flushed::All:
      break;
  }
  std::size_t skip = std::exchange(ahead_, 0);
  std::size_t moved = skip;
  for (const iovec& piece : pieces) {
    const std::size_t skipped = std::min(skip, piece.iov_len);
    skip -= skipped;
    std::string_view rest(static_cast<const char*>(piece.iov_base) + skipped, piece.iov_len - skipped);
    while (!rest.empty()) {
      const std::size_t some = std::min(rest.size(), kAheadMax);
      if (!encrypt(rest.substr(0, some))) {
        if (is_broken_) return {.state = State::Failed, .bytes = moved, .error = base::ErrorCode::Malformed};
        return {.state = State::Blocked, .bytes = moved};
      }
      const Flushed flushed = flush();
      if (flushed == Flushed::Failed) return broken(base::ErrorCode::Reset);
      if (flushed == Flushed::Blocked) {
        ahead_ = some;
        return {.state = State::Blocked, .bytes = moved};
      }
      moved += some;
      rest.remove_prefix(some);
    }
  }
  return {.state = State::Ok, .bytes = moved};
}

/// False: broken, or the handshake waits for the other side.
bool TlsStream::encrypt(std::string_view bytes) {
  for (;;) {
    ERR_clear_error();
    const int took = SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
    if (took > 0) return true;
    if (SSL_get_error(ssl_.get(), took) != SSL_ERROR_WANT_READ) return protocol_error(), false;
    if (flush() == Flushed::Failed) return broken(base::ErrorCode::Reset), false;
    if (pull()) continue;
    is_write_waiting_ = transport_result_.state == State::Blocked;
    if (!is_write_waiting_) broken(base::ErrorCode::Closed);
    return false;
  }
}

void TlsStream::shutdown_write() {
  if (!is_broken_) {
    SSL_shutdown(ssl_.get());
    flush();
  }
  transport_->shutdown_write();
}

}  // namespace holdfast::net
