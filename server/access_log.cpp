#include "server/access_log.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <utility>

#include "server/access_log_sink.h"

namespace holdfast::server {

namespace {
constexpr std::size_t kSpareMax = 32;  // empty buffers kept; a burst may own more, for as long as it lasts
}

base::Result<std::unique_ptr<AccessLog>> AccessLog::open(std::string path, const Options& options) {
  auto sink = std::make_unique<AccessLogSink>(std::move(path));
  if (const auto opened = sink->open(); !opened) return opened.error();
  return std::unique_ptr<AccessLog>(new AccessLog(std::move(sink), options));
}

AccessLog::AccessLog(std::unique_ptr<AccessLogSink> sink, const Options& options)
    : options_(options), sink_(std::move(sink)) {
  queue_.reserve(options_.batches_max);
  spare_.reserve(kSpareMax);
  // The writer inherits the mask: signals are the main thread's business, and a closed pipe is only an error here.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  writer_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

AccessLog::~AccessLog() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  sink_->stop(std::chrono::steady_clock::now() + options_.patience);
  wake_.notify_one();
  writer_.join();
}

std::unique_ptr<AccessLog::Feed> AccessLog::feed() { return std::make_unique<Feed>(*this); }

void AccessLog::reopen() {
  {
    const std::lock_guard lock(mutex_);
    reopen_wanted_ = true;
  }
  sink_->interrupt();
  wake_.notify_one();
}

bool AccessLog::settle(base::Duration patience) {
  std::unique_lock lock(mutex_);
  return settled_.wait_for(lock, patience, [this] { return queue_.empty() && writing_ == 0 && !reopen_wanted_; });
}

// Swaps a full batch for an empty one; false when there is no room.
bool AccessLog::hand_over(Batch& batch) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() + writing_ >= options_.batches_max) return false;
    queue_.push_back(std::move(batch));
    batch = {};
    if (!spare_.empty()) {
      batch = std::move(spare_.back());
      spare_.pop_back();
    }
  }
  wake_.notify_one();
  batch.text.reserve(options_.batch_bytes);
  return true;
}

bool AccessLog::is_half_full() {
  const std::lock_guard lock(mutex_);
  return 2 * (queue_.size() + writing_) >= options_.batches_max;
}

void AccessLog::run() {
  std::vector<Batch> work;
  work.reserve(options_.batches_max);
  for (;;) {
    bool reopening = false;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || reopen_wanted_ || !queue_.empty(); });
      if (stopping_ && queue_.empty()) return;
      std::swap(work, queue_);
      writing_ = work.size();
      reopening = reopen_wanted_;
    }
    write_all(work);
    if (reopening) sink_->reopen();
    {
      const std::lock_guard lock(mutex_);
      recycle(work);
      if (reopening) reopen_wanted_ = false;
    }
    settled_.notify_all();
  }
}

void AccessLog::write_all(std::vector<Batch>& work) {
  for (const Batch& batch : work) {
    const std::size_t written = sink_->write(batch.text);
    if (written == batch.text.size()) continue;
    const auto lost = std::count(batch.text.begin() + static_cast<std::ptrdiff_t>(written), batch.text.end(), '\n');
    dropped_.fetch_add(static_cast<std::uint64_t>(lost), std::memory_order_relaxed);
  }
}

void AccessLog::recycle(std::vector<Batch>& work) {
  for (Batch& batch : work) {
    const bool held_a_giant_line = batch.text.capacity() > 2 * options_.batch_bytes;
    if (held_a_giant_line || spare_.size() >= kSpareMax) continue;
    batch.text.clear();
    batch.lines = 0;
    spare_.push_back(std::move(batch));
  }
  work.clear();
  writing_ = 0;
}

AccessLog::Feed::~Feed() { hand_over(); }

void AccessLog::Feed::write(std::string_view line) {
  if (line.size() > log_.options_.line_bytes_max) {
    log_.dropped_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  if (batch_.text.size() + line.size() + 1 > log_.options_.batch_bytes) hand_over();
  batch_.text += line;
  batch_.text += '\n';
  ++batch_.lines;
}

void AccessLog::Feed::flush() {
  if (batch_.lines == 0 || log_.is_half_full()) return;
  hand_over();
}

void AccessLog::Feed::hand_over() {
  if (batch_.lines == 0 || log_.hand_over(batch_)) return;
  log_.dropped_.fetch_add(batch_.lines, std::memory_order_relaxed);
  batch_.text.clear();
  batch_.lines = 0;
}

}  // namespace holdfast::server
