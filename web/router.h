#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "web/message.h"

namespace holdfast::web {

/// Which handler serves which method and path. Filled once before use, then only read; the control loop's thread.
class Router {
 public:
  using Handler = std::function<Response(const Request&)>;
  /// Takes the response, now or later; once.
  using Respond = std::function<void(Response)>;
  /// For what others have to be asked for. The request is good for the call only.
  using LaterHandler = std::function<void(const Request&, Respond)>;

  /// `path` is compared byte for byte with the path as sent; a segment {name} stands for any one that is not empty. A
  /// Get handler also serves HEAD.
  void add(http::Method method, std::string path, Handler handler);
  void add_later(http::Method method, std::string path, LaterHandler handler);
  /// What everybody has to pass first; may complete the request and replace `respond`. A response refuses.
  using Filter = std::function<std::optional<Response>(Request&, Respond& respond)>;
  void set_filter(Filter filter) { filter_ = std::move(filter); }
  /// The filter's response, the handler's, or 404, or 405 with Allow.
  void handle(const Request& request, Respond respond) const;

 private:
  struct Entry {
    http::Method method;
    std::string path;
    LaterHandler handler;
  };
  void find(const Request& request, Respond respond) const;

  Filter filter_;
  std::vector<Entry> entries_;  // a dozen: a scan is the quickest lookup
};

}  // namespace holdfast::web
