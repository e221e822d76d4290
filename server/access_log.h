#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace holdfast::server {

class AccessLogSink;

/// Writes the access log from a thread of its own, so that no worker ever waits for a disk.
///
/// Each worker has a Feed and appends its lines there; full batches go through a bounded queue to the writer. When the
/// queue is full (the disk hangs, nobody reads the pipe) whole batches are dropped and counted. Buffers go round: no
/// allocation per line in steady state. Outlives its feeds.
class AccessLog {
 public:
  struct Options {
    std::size_t batch_bytes = 64u << 10;
    std::size_t batches_max = 256;                      ///< In the queue and in the writer's hands together.
    std::size_t line_bytes_max = 1u << 20;              ///< A longer line is dropped.
    base::Duration patience = std::chrono::seconds{2};  ///< How long the destructor waits for a sink that is stuck.
  };
  class Feed;

  /// `path` "-" is stdout. Errors: Io, with the path and the system's words. A FIFO without a reader is not an error:
  /// its lines are dropped until somebody reads.
  static base::Result<std::unique_ptr<AccessLog>> open(std::string path, const Options& options);
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;
  /// Writes what is queued, then stops.
  ~AccessLog();

  /// For one worker, used on its thread only.
  std::unique_ptr<Feed> feed();
  /// Opens the path anew, for log rotation; when that fails the old file stays in use. Lines that a stuck sink has not
  /// taken by then are dropped. Any thread; returns at once.
  void reopen();
  /// Lines lost so far: over the queue, or not taken by the disk. Any thread.
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }
  /// Waits until the queue is written and a reopen() is done, at most `patience`; true when so. Never on a loop.
  bool settle(base::Duration patience);

 private:
  struct Batch {
    std::string text;
    std::uint64_t lines = 0;
  };

  AccessLog(std::unique_ptr<AccessLogSink> sink, const Options& options);
  bool hand_over(Batch& batch);
  bool is_half_full();
  void run();
  void write_all(std::vector<Batch>& work);
  void recycle(std::vector<Batch>& work);

  const Options options_;
  std::unique_ptr<AccessLogSink> sink_;  // the writer's
  std::atomic<std::uint64_t> dropped_{0};

  std::mutex mutex_;  // held for moves of buffers only, never while writing
  std::condition_variable wake_;
  std::condition_variable settled_;
  std::vector<Batch> queue_;  // guarded by mutex_, as all that follows
  std::vector<Batch> spare_;
  std::size_t writing_ = 0;  // batches in the writer's hands
  bool reopen_wanted_ = false;
  bool stopping_ = false;

  std::thread writer_;  // last: everything else is there before it starts
};

/// One worker's way into the log.
class AccessLog::Feed {
 public:
  explicit Feed(AccessLog& log) : log_(log) { batch_.text.reserve(log.options_.batch_bytes); }
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;
  /// Hands over what is left.
  ~Feed();

  /// `line` is without its newline. Never blocks, hands over when a batch is full.
  void write(std::string_view line);
  /// Hands over what has gathered; to be called each 200 ms or so. While the writer is behind, small batches stay.
  void flush();

 private:
  void hand_over();

  AccessLog& log_;
  Batch batch_;
};

}  // namespace holdfast::server
