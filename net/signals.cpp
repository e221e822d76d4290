#include "net/signals.h"

#include <event2/event.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "base/check.h"

namespace holdfast::net {

Signals::Signals(Loop& loop, std::initializer_list<int> numbers, std::function<void(int)> on_signal)
    : on_signal_(std::move(on_signal)) {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : numbers) sigaddset(&set, number);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  fd_ = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  base::check(fd_ >= 0, "a signalfd can be made");
  event_assign(&event_, loop.raw(), fd_, EV_READ | EV_PERSIST, &Signals::on_event, this);
  event_add(&event_, nullptr);
}

Signals::~Signals() {
  event_del(&event_);
  ::close(fd_);
}

void Signals::on_event(int fd, short, void* self) noexcept {
  signalfd_siginfo info;
  while (::read(fd, &info, sizeof info) == sizeof info) {
    static_cast<Signals*>(self)->on_signal_(static_cast<int>(info.ssi_signo));
  }
}

}  // namespace holdfast::net
