#include "ctl/reload.h"

#include <fmt/format.h>

#include "base/json.h"
#include "ctl/order.h"
#include "ctl/text.h"

namespace holdfast::ctl {

namespace {

using Json = nlohmann::ordered_json;

std::string change_line(const Json& change) {
  const std::string before = text_in(change, "before");
  const std::string after = text_in(change, "after");
  const bool waits = text_in(change, "effect") != "at once";
  const std::string what = before.empty()  ? fmt::format("+ {} = {}", text_in(change, "key"), after)
                           : after.empty() ? fmt::format("- {} = {}", text_in(change, "key"), before)
                                           : fmt::format("~ {} = {}, was {}", text_in(change, "key"), after, before);
  return what + (waits ? "  (after a restart only)" : "") + "\n";
}

}  // namespace

base::Result<std::string> reload_words(std::string_view response) {
  const Json json = base::parse_json(response);
  if (!json.is_object() || !json.contains("changes") || !json["changes"].is_array()) {
    return base::Error{base::ErrorCode::Malformed, "this is not a response of holdfast"};
  }
  std::string out;
  for (const Json& change : json["changes"]) out += change_line(change);
  if (json.contains("removed")) {
    for (const Json& gone : json["removed"]) {
      out += fmt::format("{} is gone: {} sessions move with their next requests\n", text_in(gone, "backend"),
                         gone.value("sessions", std::uint64_t{0}));
    }
  }
  if (json["changes"].empty()) return std::string("nothing has changed\n");
  return out + (json.value("applied", false) ? "in force\n" : "checked, not applied\n");
}

}  // namespace holdfast::ctl
