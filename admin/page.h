#pragma once

#include <string>

namespace holdfast::admin {

/// The status page: one file, and what a browser may do with it.
struct Page {
  std::string html;
  /// Its own style and script, by their hashes; talking to this listener; nothing else. No text becomes markup or
  /// script, whatever the page's code does (trusted types).
  std::string policy;
};

/// Put together at the first call; never changes.
const Page& status_page();

}  // namespace holdfast::admin
