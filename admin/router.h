#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/message.h"

namespace holdfast::admin {

/// Which handler answers which method and path. Filled once before use, then only read; the control loop's thread.
class Router {
 public:
  using Handler = std::function<Answer(const Request&)>;

  /// `path` is compared byte for byte with the path as sent; a segment {name} stands for any one that is not empty. A
  /// Get handler also answers HEAD.
  void add(http::Method method, std::string path, Handler handler);
  /// The handler's answer, or 404, or 405 with Allow.
  Answer answer(const Request& request) const;

 private:
  struct Entry {
    http::Method method;
    std::string path;
    Handler handler;
  };
  std::vector<Entry> entries_;  // a dozen: a scan is the quickest lookup
};

}  // namespace holdfast::admin
