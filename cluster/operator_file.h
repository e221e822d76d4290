#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "cluster/operator_book.h"

namespace holdfast::cluster {

/// The operator's book in the state directory: what holds from the first moment after a restart, with or without Redis.
///
/// Written whole, beside the old one, and put in its place: a crash leaves the old or the new, never half of one. Used
/// on the control loop; blocks for a few milliseconds, when an operator has said something.
class OperatorFile {
 public:
  explicit OperatorFile(std::string_view state_dir);

  const std::string& path() const { return path_; }
  /// An absent file is an empty book. Errors: Io; Malformed, then the file was renamed to *.broken, so that a new one
  /// can be written and nothing is lost. The text is for people.
  base::Result<OperatorBook> load() const;
  /// Errors: Io.
  base::Result<void> save(const OperatorBook& book) const;

 private:
  std::string dir_;
  std::string path_;
};

}  // namespace holdfast::cluster
