#include "net/tcp_dialer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "net/tcp_stream.h"

namespace holdfast::net {

namespace {

class TcpDial final : public Dial, private StreamHandler {
 public:
  using Done = std::function<void(base::Result<std::unique_ptr<Stream>>)>;

  TcpDial(Loop& loop, const Address& address, base::Duration timeout, Done done)
      : timer_(loop.timer([this] { on_due(); })), done_(std::move(done)) {
    failure_ = {base::ErrorCode::Timeout, "connect timed out"};
    timer_->set(loop.now() + (begin(loop, address) ? timeout : base::Duration::zero()));
  }
  ~TcpDial() override {
    if (stream_) stream_->set_handler(nullptr);
  }

 private:
  /// False: failed at once, `failure_` says why; the timer brings it to the caller after dial() has returned.
  bool begin(Loop& loop, const Address& address) {
    const int fd = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
      fail(errno);
      return false;
    }
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.length) != 0 &&
        errno != EINPROGRESS) {
      fail(errno);
      ::close(fd);
      return false;
    }
    stream_ = std::make_unique<TcpStream>(loop, fd, address);
    stream_->set_handler(this);
    stream_->watch_connect();
    return true;
  }

  void fail(int system_error) { failure_ = {error_code_of(system_error), std::strerror(system_error)}; }

  void on_readable() override {}  // the end of the dial, good or bad, shows as writable
  void on_writable() override {
    if (const int error = stream_->take_error(); error != 0) {
      fail(error);
      return finish_failed();
    }
    timer_->cancel();
    stream_->connect_is_over();
    stream_->set_handler(nullptr);
    const auto done = std::move(done_);
    done(std::unique_ptr<Stream>(std::move(stream_)));  // may bury this dial
  }
  void on_due() { finish_failed(); }

  void finish_failed() {
    timer_->cancel();
    if (stream_) stream_->set_handler(nullptr);
    const auto done = std::move(done_);
    done(std::move(failure_));
  }

  std::unique_ptr<base::Timer> timer_;
  std::unique_ptr<TcpStream> stream_;
  Done done_;
  base::Error failure_;
};

}  // namespace

std::unique_ptr<Dial> TcpDialer::dial(const Address& address, base::Duration timeout,
                                      std::function<void(base::Result<std::unique_ptr<Stream>>)> done) {
  return std::make_unique<TcpDial>(loop_, address, timeout, std::move(done));
}

}  // namespace holdfast::net
