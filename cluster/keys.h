#pragma once

#include <string>
#include <string_view>

namespace holdfast::cluster {

/// Where in Redis the proxies meet. Three keys of proxies and leader, two of operators, one channel.
struct Keys {
  explicit Keys(std::string_view prefix)
      : proxies(std::string(prefix) + ":nodes"),
        leader(std::string(prefix) + ":leader"),
        orders(std::string(prefix) + ":operator"),
        orders_version(std::string(prefix) + ":operator:version"),
        channel(std::string(prefix) + ":cluster") {}

  std::string proxies;         ///< Hash: proxy id -> "lease's end, when it was said, its word".
  std::string leader;          ///< Hash: id, until, fence.
  std::string orders;          ///< Hash: pool/backend -> order.
  std::string orders_version;  ///< Rises with each change of `orders`.
  std::string channel;
};

/// The first word of a message on the channel says what it is; the rest is behind a space.
inline constexpr std::string_view kBroadcastMessage = "sees";   ///< A Broadcast.
inline constexpr std::string_view kOrdersMessage = "orders";    ///< The version of the orders.
inline constexpr std::string_view kGoodbyeMessage = "goodbye";  ///< A proxy's id.
inline constexpr std::string_view kHelloMessage = "hello";      ///< A proxy's id.

}  // namespace holdfast::cluster
