#include "admin/timeline.h"

#include <algorithm>

#include "base/text.h"

namespace holdfast::admin {

Timeline::Timeline(std::string run, std::function<void()> on_added)
    : run_(std::move(run)), on_added_(std::move(on_added)) {}

void Timeline::on_log(base::LogLevel level, std::string_view event, base::LogFields fields) {
  TimelineEvent entry;
  entry.at = base::wall_now();
  entry.level = level;
  entry.word = event;
  for (const base::LogField& field : fields) {
    if (entry.fields.size() == kFieldsMax) break;
    auto& [key, value] = entry.fields.emplace_back(field.key, std::string(field.text.substr(0, kTextBytesMax)));
    if (field.is_number) value = field.number;
  }
  {
    const std::lock_guard lock(mutex_);
    entry.number = ++last_number_;
    ring_.push_back(std::move(entry));
    if (ring_.size() > kKept) ring_.pop_front();
  }
  if (on_added_) on_added_();
}

std::vector<TimelineEvent> Timeline::after(std::uint64_t number) const {
  const std::lock_guard lock(mutex_);
  const auto first =
      std::find_if(ring_.begin(), ring_.end(), [&](const TimelineEvent& event) { return event.number > number; });
  return {first, ring_.end()};
}

std::uint64_t Timeline::number_of(std::string_view id) const {
  if (!id.starts_with(run_ + "-")) return 0;
  const std::uint64_t number = base::parse_decimal(id.substr(run_.size() + 1)).value_or(0);
  return number <= last_number() ? number : 0;
}

std::uint64_t Timeline::last_number() const {
  const std::lock_guard lock(mutex_);
  return last_number_;
}

}  // namespace holdfast::admin
