#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "http/head.h"
#include "proxy/forward_headers.h"

namespace holdfast::proxy {

/// The head of a request as every backend that is tried gets it. The access log, error pages and the quarantine read
/// from it, too: the client's own head is gone by then. Recycled: keeps its room between requests.
class OwnedHead {
 public:
  void clear() {
    text_.clear();
    if (text_.capacity() > kCapacityMax) text_.shrink_to_fit();
    request_id_ = {};
    method_size_ = path_size_ = 0;
  }
  /// Makes the head a backend gets for `head`.
  void assign(const http::RequestHead& head, const ForwardContext& forward) {
    request_id_ = append_request_head(text_, head, forward);
    method_size_ = head.method_text.size();
    path_size_ = head.path.size();
  }
  /// Adds that the session was moved off backend `from`.
  void note_move(std::string_view from, std::string_view reason);

  /// With the empty line at its end.
  std::string_view text() const { return text_; }
  std::string_view method() const { return text().substr(0, method_size_); }
  /// Without the query.
  std::string_view path() const { return text().substr(method_size_ + 1, path_size_); }
  /// Method and path, as the head begins.
  std::string_view line() const { return text().substr(0, method_size_ + 1 + path_size_); }
  std::string_view request_id() const { return text().substr(request_id_.at, request_id_.size); }
  /// Value of the first field of this name, or nothing.
  std::string_view field(std::string_view name) const;

 private:
  static constexpr std::size_t kCapacityMax = 16u << 10;  // of a head that is kept for the next request

  std::string text_;
  TextRange request_id_;
  std::size_t method_size_ = 0;
  std::size_t path_size_ = 0;
};

}  // namespace holdfast::proxy
