#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace holdfast::admin {

/// What changes of a status document travel, and when.
enum class Priority : std::uint8_t {
  Now,    ///< What people wait for: states, reasons.
  Later,  ///< Numbers that always change: when the budget of bytes allows.
  Never,  ///< What the reader can do without.
};
using PriorityOf = std::function<Priority(std::string_view key)>;

/// Brings `known` nearer to `wanted` and says how, as a JSON merge patch (RFC 7396) that does the same to a copy of
/// `known`; nullopt when there is nothing to say. A member has the priority `priority` says of its key, and within it
/// as its parent was: only what is at least as urgent as `least` is looked at.
///
/// Two exceptions to RFC 7396, for arrays under the key "history": those grow at the end and lose at the front, and the
/// patch holds only what is new; and where nothing of the old is left, all of it.
std::optional<nlohmann::ordered_json> catch_up(nlohmann::ordered_json& known, const nlohmann::ordered_json& wanted,
                                               const PriorityOf& priority, Priority least);

}  // namespace holdfast::admin
