#pragma once

#include <string>
#include <string_view>

namespace holdfast::cluster {

/// Where in Redis the proxy nodes meet. Three keys of nodes and leader, two of operators, one channel.
struct Keys {
  explicit Keys(std::string_view prefix)
      : nodes(std::string(prefix) + ":nodes"),
        leader(std::string(prefix) + ":leader"),
        orders(std::string(prefix) + ":operator"),
        orders_version(std::string(prefix) + ":operator:version"),
        channel(std::string(prefix) + ":cluster") {}

  std::string nodes;           ///< Hash: node id -> "lease's end, when it was said, its word".
  std::string leader;          ///< Hash: id, until, fence.
  std::string orders;          ///< Hash: pool/backend -> order.
  std::string orders_version;  ///< Rises with each change of `orders`.
  std::string channel;
};

/// The first word of a message on the channel says what it is; the rest is behind a space.
inline constexpr std::string_view kShoutMessage = "sees";       ///< A Shout.
inline constexpr std::string_view kOrdersMessage = "orders";    ///< The version of the orders.
inline constexpr std::string_view kGoodbyeMessage = "goodbye";  ///< A node's id.
inline constexpr std::string_view kHelloMessage = "hello";      ///< A node's id.

}  // namespace holdfast::cluster
