#pragma once

#include "base/result.h"
#include "net/stream.h"

namespace holdfast::ctl {

/// A connected socket for a program that has nothing else to do: reads and writes wait until they are done, or fail
/// with Timeout at `due`. It has no peer() to tell and no handler to call.
class CtlStream final : public net::Stream {
 public:
  /// Takes over a non-blocking `fd`.
  CtlStream(int fd, base::Instant due) : fd_(fd), due_(due) {}
  ~CtlStream() override;

  /// Waits for one of poll()'s events. Errors: Timeout, Io.
  static base::Result<void> wait(int fd, short events, base::Instant due);

  net::IoResult read(std::span<char> into) override;
  net::IoResult write(std::span<const iovec> pieces) override;
  void shutdown_write() override {}
  void set_handler(net::StreamHandler*) override {}
  bool peer_ended() const override { return false; }
  void reset_on_close() override {}
  const net::Address& peer() const override { return nobody_; }

 private:
  int fd_;
  base::Instant due_;
  net::Address nobody_{};
};

}  // namespace holdfast::ctl
