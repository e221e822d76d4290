#pragma once

#include <string_view>

namespace holdfast::http {

/// Walks the elements of a comma-separated field value (RFC 9110 section 5.6.1), trimmed. Empty elements are given as
/// such: the caller decides whether they may pass. For lists without quoted strings.
class ListWalk {
 public:
  explicit ListWalk(std::string_view value) : rest_(value) {}
  bool next(std::string_view& element);

 private:
  std::string_view rest_;
  bool done_ = false;
};

}  // namespace holdfast::http
