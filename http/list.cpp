#include "http/list.h"

#include "base/text.h"

namespace holdfast::http {

bool ListWalk::next(std::string_view& element) {
  if (done_) return false;
  const std::size_t comma = rest_.find(',');
  element = base::trim(rest_.substr(0, comma));
  done_ = comma == std::string_view::npos;
  if (!done_) rest_.remove_prefix(comma + 1);
  return true;
}

}  // namespace holdfast::http
