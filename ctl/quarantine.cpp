#include "ctl/quarantine.h"

#include <fmt/format.h>

#include "base/json.h"
#include "ctl/order.h"
#include "ctl/text.h"

namespace holdfast::ctl {

namespace {

using Json = nlohmann::ordered_json;
using Verb = CtlQuarantine::Verb;

}  // namespace

base::Result<CtlAsk> quarantine_ask(const CtlQuarantine& typed) {
  if (typed.verb != Verb::Release) return CtlAsk{"/api/v1/quarantine", {}};
  if (!is_plain_name(typed.id)) {
    return base::Error{base::ErrorCode::Invalid,
                       fmt::format("\"{}\" is not a valid id; holdfastctl quarantine list shows them", typed.id)};
  }
  return CtlAsk{"/api/v1/quarantine/" + typed.id + "/release", "{}"};
}

base::Result<std::string> quarantine_words(const CtlQuarantine& typed, std::string_view response) {
  const Json json = base::parse_json(response);
  const base::Error malformed{base::ErrorCode::Malformed, "this is not a response of holdfast"};
  if (!json.is_object()) return malformed;
  if (typed.verb == Verb::Release) return fmt::format("{} reaches backends again\n", text_in(json, "id"));
  const auto requests = json.find("requests");
  if (requests == json.end() || !requests->is_array()) return malformed;
  if (requests->empty()) return std::string("no request is in quarantine\n");
  std::string out =
      fmt::format("{:16}  {:20}  {:>7}  {:>6}  {:6}  {}\n", "ID", "BACKEND", "CRASHES", "LEFT", "CALLER", "REQUEST");
  for (const Json& each : *requests) {
    out += fmt::format("{:16}  {:20}  {:>7}  {:>5}s  {:6}  {} {}\n", text_in(each, "id"),
                       text_in(each, "pool") + "/" + text_in(each, "backend"), number_in(each, "crashes"),
                       number_in(each, "seconds_left"), text_in(each, "caller"), text_in(each, "method"),
                       text_in(each, "path"));
  }
  return out;
}

}  // namespace holdfast::ctl
