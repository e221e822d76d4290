#pragma once

#include <event2/event_struct.h>

#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "net/descriptor.h"
#include "net/loop.h"

namespace holdfast::net {

/// What arrives on a Channel: a message, perhaps with an open file.
struct Parcel {
  std::string bytes;
  Descriptor descriptor;  ///< Not open: none came along.
};

/// Messages and open files between two processes of this machine, each with one end of a socketpair. A message arrives
/// whole, once, in order. What the other side does not take at once waits here, without a limit: whoever has much to
/// send waits for on_room(). Belongs to the loop's thread.
class Channel final : public base::Buried {
 public:
  static constexpr std::size_t kMessageMax = 64u << 10;

  class Handler {
   public:
    Handler() = default;
    Handler(const Handler&) = delete;
    Handler& operator=(const Handler&) = delete;
    virtual ~Handler() = default;
    virtual void on_parcel(Parcel parcel) = 0;
    /// Nothing waits any more.
    virtual void on_room() {}
    /// The other side has gone; nothing comes after this.
    virtual void on_gone() = 0;
  };

  /// Both ends, to be closed by exec. Errors: Overload.
  static base::Result<std::pair<Descriptor, Descriptor>> make_ends();
  /// The next message, on an end without a Channel yet; waits up to `patience`. Errors: Timeout, Closed, Malformed.
  static base::Result<Parcel> receive(const Descriptor& end, base::Duration patience);

  /// Both outlive it.
  Channel(Loop& loop, Descriptor end, Handler& handler);
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  ~Channel() override;

  /// No longer than kMessageMax.
  void send(std::string bytes, Descriptor descriptor = {});
  /// Nothing waits.
  bool has_room() const { return waiting_.empty(); }
  /// No call comes after this.
  void close();

 private:
  static void on_event(int fd, short what, void* self) noexcept;
  void on_readable();
  void flush();
  void lose();

  Handler& handler_;
  Descriptor end_;
  std::deque<Parcel> waiting_;
  event readable_{};
  event writable_{};
  bool is_closed_ = false;
};

}  // namespace holdfast::net
