#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "ctl/sessions.h"

namespace holdfast::ctl {

/// holdfastctl quarantine: what was typed.
struct CtlQuarantine {
  enum class Verb : std::uint8_t { None, List, Release };
  Verb verb = Verb::None;
  std::string id;
};

/// Errors: Invalid, in words for the user.
base::Result<CtlAsk> quarantine_ask(const CtlQuarantine& typed);
/// The proxy's response to it, as a table or a sentence. Errors: Malformed.
base::Result<std::string> quarantine_words(const CtlQuarantine& typed, std::string_view response);

}  // namespace holdfast::ctl
