#pragma once

#include <string>

#include "admin/view.h"

namespace holdfast::admin {

/// The state of everything in one line of words, the worst first: "All 3 backends of pool shop serving; 12 sessions;
/// redis off". "Serving" is UP; what is DOWN, SICK, DRAINING, MAINT or STARTING is named with its reason, and so
/// is a proxy that is gone.
std::string summary_text(const StatusView& view);

/// How good the news in the summary is, for colours: Bad where users feel it, never Good when a server is not UP or a
/// proxy is gone.
enum class Mood : std::uint8_t { Good, Warn, Bad };
Mood mood_of(const StatusView& view);
constexpr std::string_view name_of(Mood mood) {
  switch (mood) {
    case Mood::Good:
      return "good";
    case Mood::Warn:
      return "warn";
    case Mood::Bad:
      return "bad";
  }
  return "bad";
}

}  // namespace holdfast::admin
