#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/log.h"
#include "base/log_watch.h"
#include "base/time.h"

namespace holdfast::admin {

/// One line of the event log, as data.
struct TimelineEvent {
  std::uint64_t number = 0;  ///< Counts up from 1 with each start of the process.
  base::WallTime at{};
  base::LogLevel level = base::LogLevel::Info;
  std::string word;
  std::vector<std::pair<std::string, std::variant<std::string, std::int64_t>>> fields;
};

/// The last events, in a ring: all lines of the event log of Info and above. Any thread.
class Timeline final : public base::LogWatch {
 public:
  static constexpr std::size_t kKept = 500;
  static constexpr std::size_t kFieldsMax = 16;
  static constexpr std::size_t kTextBytesMax = 300;

  /// `run` names this start of the process in ids; `on_added` is called after each event, on the thread that logged.
  explicit Timeline(std::string run, std::function<void()> on_added = {});

  void on_log(base::LogLevel level, std::string_view event, base::LogFields fields) override;

  /// Those after `number` (0: all there are), oldest first.
  std::vector<TimelineEvent> after(std::uint64_t number) const;
  /// "RUN-NUMBER", as in Last-Event-ID.
  std::string id_of(std::uint64_t number) const { return run_ + "-" + std::to_string(number); }
  /// What to go on after: 0 for an id of another run, or no id at all.
  std::uint64_t number_of(std::string_view id) const;
  std::uint64_t last_number() const;

 private:
  const std::string run_;
  const std::function<void()> on_added_;
  mutable std::mutex mutex_;
  std::deque<TimelineEvent> ring_;  // guarded by mutex_
  std::uint64_t last_number_ = 0;   // guarded by mutex_
};

}  // namespace holdfast::admin
