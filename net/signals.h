#pragma once

#include <event2/event_struct.h>

#include <functional>
#include <initializer_list>

#include "net/loop.h"

namespace holdfast::net {

/// Brings a process's signals to a loop as ordinary callbacks. Blocks them in the calling thread: make it before any
/// other thread starts, so that all threads have the mask.
class Signals {
 public:
  Signals(Loop& loop, std::initializer_list<int> numbers, std::function<void(int)> on_signal);
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals();

 private:
  static void on_event(int fd, short what, void* self) noexcept;

  int fd_;
  std::function<void(int)> on_signal_;
  event event_{};
};

}  // namespace holdfast::net
