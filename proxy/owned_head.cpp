#include "proxy/owned_head.h"

#include "base/text.h"
#include "proxy/head_text.h"

namespace holdfast::proxy {

namespace {
constexpr std::size_t kCapacityMax = 16u << 10;  // of a head that is kept for the next request
}

void OwnedHead::clear() {
  text_.clear();
  if (text_.capacity() > kCapacityMax) text_.shrink_to_fit();
  request_id_ = {};
  method_size_ = path_size_ = 0;
}

void OwnedHead::assign(const http::RequestHead& head, const ForwardContext& forward) {
  request_id_ = append_request_head(text_, head, forward);
  method_size_ = head.method_text.size();
  path_size_ = head.path.size();
}

void OwnedHead::note_move(std::string_view from, std::string_view reason) { append_moved_note(text_, from, reason); }

std::string_view OwnedHead::field(std::string_view name) const {
  std::string_view rest = text();
  for (std::size_t end = rest.find(kLineEnd); end != std::string_view::npos; end = rest.find(kLineEnd)) {
    const std::string_view line = rest.substr(0, end);
    if (line.size() > name.size() && line[name.size()] == ':' && base::iequals(line.substr(0, name.size()), name)) {
      return base::trim(line.substr(name.size() + 1));
    }
    rest.remove_prefix(end + kLineEnd.size());
  }
  return {};
}

}  // namespace holdfast::proxy
