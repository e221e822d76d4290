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
enum class Severity : std::uint8_t { Good, Warn, Bad };
Severity severity_of(const StatusView& view);
constexpr std::string_view name_of(Severity severity) {
  switch (severity) {
    case Severity::Good:
      return "good";
    case Severity::Warn:
      return "warn";
    case Severity::Bad:
      return "bad";
  }
  return "bad";
}

}  // namespace holdfast::admin
