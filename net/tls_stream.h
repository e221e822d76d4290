#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "net/stream.h"
#include "net/tls_context.h"

namespace holdfast::net {

/// TLS over another stream (RFC 8446; OpenSSL does it). The handshake happens inside read() and write(), so whoever
/// holds it cannot tell it from a plain one; who accepts, reads first. At most kAheadMax bytes are encrypted ahead of
/// what the stream below takes.
class TlsStream final : public Stream, private StreamHandler {
 public:
  TlsStream(TlsContext::Ssl ssl, std::unique_ptr<Stream> transport);
  ~TlsStream() override;

  void set_handler(StreamHandler* handler) override { handler_ = handler; }
  IoResult read(std::span<char> into) override;
  IoResult write(std::span<const iovec> pieces) override;
  bool peer_ended() const override { return transport_->peer_ended(); }
  void shutdown_write() override;
  void reset_on_close() override { transport_->reset_on_close(); }
  const Address& peer() const override { return transport_->peer(); }

  /// Why a read or write failed, where TLS itself was the reason; else empty.
  const std::string& error_text() const { return error_text_; }

  static constexpr std::size_t kAheadMax = 16u << 10;  // one record

 private:
  enum class Flushed : std::uint8_t { All, Blocked, Failed };

  void on_readable() override;
  void on_writable() override;
  /// Reads from below what is there. False: nothing came; `ended_` says why.
  bool pull();
  Flushed flush();
  IoResult broken(base::ErrorCode error);
  IoResult protocol_error();
  bool encrypt(std::string_view bytes);

  std::unique_ptr<Stream> transport_;
  TlsContext::Ssl ssl_;
  StreamHandler* handler_ = nullptr;
  std::size_t ahead_ = 0;      // bytes of the next write that are encrypted already, and wait for room below
  IoResult transport_result_;  // by the last read: Blocked, Closed or Failed
  bool is_broken_ = false;
  bool is_write_waiting_ = false;  // for the handshake
  std::string error_text_;
};

}  // namespace holdfast::net
