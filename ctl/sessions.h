#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace holdfast::ctl {

/// holdfastctl sessions: what was typed.
struct CtlSessions {
  enum class Verb : std::uint8_t { None, List, Move, End };
  Verb verb = Verb::None;
  std::string id;       ///< Of one session; empty: all of a backend or a pool.
  std::string to;       ///< POOL/BACKEND
  std::string backend;  ///< POOL/BACKEND
  std::string pool;
  std::uint32_t limit = 100;
};

/// What to ask the proxy for. An empty body: GET.
struct CtlAsk {
  std::string path;
  std::string body;
};

/// Errors: Invalid, in words for the user.
base::Result<CtlAsk> sessions_ask(const CtlSessions& typed);
/// The proxy's response to it, as a table or a sentence. Errors: Malformed.
base::Result<std::string> sessions_words(const CtlSessions& typed, std::string_view response);

}  // namespace holdfast::ctl
