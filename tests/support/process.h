#pragma once

#include <sys/types.h>

#include <array>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/support/socket.h"

namespace holdfast::support {

/// A child process whose output is collected line by line.
///
/// The child dies with this object, and with the thread that started it: start processes on the test's main thread.
class Process {
 public:
  struct Options {
    std::vector<std::string> arguments = {};    ///< The first is the program's path.
    std::vector<std::string> environment = {};  ///< "NAME=value", on top of ours.
  };
  explicit Process(Options options);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  /// Kills what still runs. What the child has started may live on, and hold its output open: that is not waited for.
  ~Process();

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  /// Exit code, or 128 + signal number; nullopt when it still runs at the deadline.
  std::optional<int> wait(Deadline deadline = Deadline{});
  bool is_running();

  /// The first line (of either stream) that contains `text`, waiting for it; nullopt when the deadline passes or the
  /// output ends without one.
  std::optional<std::string> wait_for_line(std::string_view text, Deadline deadline = Deadline{});
  /// All lines so far. Once the child is known to have ended: all that it wrote.
  std::string out() const;
  std::string err() const;

 private:
  struct Line {
    bool is_error;
    std::string text;
  };
  void collect(const Fd& stop);
  void append(bool is_error, std::string_view bytes);  // with mutex_ held
  std::string joined(bool is_error) const;

  pid_t pid_ = -1;
  Fd pid_fd_;
  std::optional<int> exit_;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<Line> lines_;           // guarded by mutex_
  std::array<std::string, 2> rests_;  // guarded by mutex_: of out and err, what has no end of line yet
  bool output_ended_ = false;         // guarded by mutex_
  Fd out_;                            // read with mutex_ held, so that what is in neither pipe is in lines_
  Fd err_;
  Fd stop_;  // closed when nobody reads the output any more
  std::thread collector_;
};

/// A program run to its end.
struct Finished {
  int code = -1;
  std::string out;
  std::string err;
};
Finished run_to_end(Process::Options options, Deadline deadline = Deadline{});

/// Facts from /proc about a process; 0 when it has gone.
std::size_t resident_bytes(pid_t pid);
std::size_t open_descriptors(pid_t pid);

}  // namespace holdfast::support
