#include "proxy/owned_head.h"

#include "base/text.h"
#include "proxy/head_text.h"

namespace holdfast::proxy {

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
