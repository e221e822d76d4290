#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace holdfast::server {

/// Where the access log's bytes go: a file, a FIFO, a terminal, stdout. Belongs to the writer's thread, but for stop().
///
/// Trouble is said once through base::log when it begins and once when it is over, never per batch.
class AccessLogSink {
 public:
  explicit AccessLogSink(std::string path);
  AccessLogSink(const AccessLogSink&) = delete;
  AccessLogSink& operator=(const AccessLogSink&) = delete;
  ~AccessLogSink();

  /// The first open. Only this one reports to its caller.
  base::Result<void> open();
  /// Opens the path anew; when that fails the old file stays in use.
  void reopen();
  /// Writes whole lines; waits for a slow reader. Returns how many bytes went out: less than all of them on an error.
  std::size_t write(std::string_view text);
  /// A write() that waits for a reader, now or before the next reopen(), gives up. Any thread.
  void interrupt() const;
  /// From now on write() waits for nobody longer than until `due`. Any thread.
  void stop(base::Instant due);

 private:
  int open_path() const;
  bool is_stdout() const { return path_ == "-"; }
  std::size_t write_piece(std::string_view text);
  bool wait_for_room() const;
  bool ensure_open();
  void on_trouble(int error);
  void on_written();

  const std::string path_;
  int fd_ = -1;
  int wake_fd_ = -1;                             // an eventfd: interrupt() ends a wait
  std::atomic<base::Instant::rep> stop_due_{0};  // 0: not stopping
  bool line_is_torn_ = false;                    // the file ends inside a line
  bool in_trouble_ = false;
};

}  // namespace holdfast::server
