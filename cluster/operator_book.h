#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "health/operator_state.h"

namespace holdfast::cluster {

/// What operators have asked for, by "pool/backend". Of two orders for one backend the later holds, everywhere; names
/// that are not configured are kept, for the day they come back. Pure.
class OperatorBook {
 public:
  using Entries = std::map<std::string, health::OperatorOrder, std::less<>>;

  /// True when it is news: later than what is known. On a tie of the times all proxies decide alike.
  bool merge(std::string_view backend, const health::OperatorOrder& order);
  /// Whatever is known: for the word of whoever decides.
  void replace(std::string_view backend, const health::OperatorOrder& order);
  const health::OperatorOrder* find(std::string_view backend) const;
  const Entries& entries() const { return entries_; }

  static constexpr std::size_t kEntriesMax = 10'000;

 private:
  Entries entries_;
};

/// Is `a` to hold rather than `b`?
bool is_later(const health::OperatorOrder& a, const health::OperatorOrder& b);

/// What the order means now: a drain whose deadline has passed is a maint.
health::OperatorOrder effective(const health::OperatorOrder& order, base::WallTime now);

/// {"state":"drain","by":"ops","at":1769860800000,"deadline":1769861400000}: times in milliseconds since 1970.
std::string text_of(const health::OperatorOrder& order);
std::optional<health::OperatorOrder> parse_order(std::string_view text);

/// The whole book as a file holds it, for people too. Errors: Malformed, with what is wrong.
std::string text_of(const OperatorBook& book);
base::Result<OperatorBook> parse_book(std::string_view text);

}  // namespace holdfast::cluster
