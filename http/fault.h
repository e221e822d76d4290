#pragma once

#include <cstdint>

namespace holdfast::http {

/// Why a message is refused: the status for a client, and static words for the log. Empty: nothing is wrong.
struct Fault {
  std::uint16_t status = 0;
  const char* why = "";
  explicit operator bool() const { return status != 0; }
};

}  // namespace holdfast::http
