#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cluster/keys.h"
#include "cluster/operator_book.h"
#include "cluster/redis_map.h"

namespace holdfast::cluster {

/// Operators' orders in Redis: a hash of "pool/backend" -> order, with a count of its changes. Of two orders for one
/// backend the later one holds.
class OrderCodec {
 public:
  using Value = health::OperatorOrder;

  explicit OrderCodec(std::string_view prefix) : keys_(prefix) {}

  const std::string& hash() const { return keys_.orders; }
  std::string text_of(const Value& order) const { return cluster::text_of(order); }
  std::optional<Value> parse(std::string_view text) const { return parse_order(text); }
  bool is_later(const Value& ours, const Value& theirs) const { return cluster::is_later(ours, theirs); }
  /// A newer version may have written it.
  void on_unreadable(redis::Redis&, const std::string&) const {}
  /// Also publishes the count of changes.
  std::unique_ptr<redis::RedisCall> put(redis::Redis& redis, const std::string& backend, const Sent<Value>& order,
                                        Put how, redis::Redis::Done done) const;

 private:
  Keys keys_;
};

}  // namespace holdfast::cluster
