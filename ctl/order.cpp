#include "ctl/order.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>

#include "base/json.h"
#include "base/text.h"
#include "ctl/text.h"

namespace holdfast::ctl {

namespace {

using Json = nlohmann::ordered_json;
using base::Error;
using base::ErrorCode;

constexpr std::size_t kNameMax = 64;

}  // namespace

std::string user_name() {
  const passwd* entry = ::getpwuid(::getuid());
  std::string name = entry != nullptr ? entry->pw_name : "";
  if (name.empty()) name = fmt::format("uid {}", ::getuid());
  return name.substr(0, kNameMax);
}

bool is_plain_name(std::string_view name) {
  constexpr std::string_view kNameCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-:[]";
  return !name.empty() && name.find_first_not_of(kNameCharacters) == std::string_view::npos;
}

std::string path_segment(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == '[' || c == ']') {
      out += c == '[' ? "%5B" : "%5D";
    } else {
      out += c;
    }
  }
  return out;
}

base::Result<std::string> order_path(const CtlOrder& order) {
  const auto slash = order.target.find('/');
  const std::string_view target = order.target;
  if (slash == std::string::npos || !is_plain_name(target.substr(0, slash)) ||
      !is_plain_name(target.substr(slash + 1))) {
    return Error{ErrorCode::Invalid, fmt::format("\"{}\" is not a backend; expected POOL/BACKEND", order.target)};
  }
  return fmt::format("/api/v1/pools/{}/backends/{}/{}", target.substr(0, slash), path_segment(target.substr(slash + 1)),
                     order.word);
}

base::Result<std::string> order_body(const CtlOrder& order) {
  Json body = {{"by", user_name()}};
  if (!order.deadline.empty()) {
    const auto deadline = base::parse_duration(order.deadline);
    if (!deadline || *deadline <= base::Duration::zero()) {
      return Error{ErrorCode::Invalid,
                   fmt::format("\"{}\" is not a valid deadline; expected a duration such as 10m", order.deadline)};
    }
    body["deadline"] = order.deadline;
  }
  return base::json_text(body);
}

base::Result<OrderDone> order_words(const CtlOrder& order, std::string_view response) {
  const Json json = base::parse_json(response);
  if (!json.is_object() || text_in(json, "state").empty()) {
    return Error{ErrorCode::Malformed, "this is not a response of holdfast"};
  }
  const auto recorded = json.find("recorded");
  const auto sessions = json.find("sessions");
  OrderDone done;
  done.is_recorded = recorded != json.end() && *recorded == true;
  done.text = fmt::format("{} is {}", order.target, text_in(json, "state"));
  if (sessions != json.end() && sessions->is_number_unsigned()) {
    done.text += fmt::format("; sessions: {}", sessions->get<std::uint64_t>());
  }
  if (!done.is_recorded) done.text += fmt::format("; NOT RECORDED, a restart forgets it: {}", text_in(json, "warning"));
  done.text += "\n";
  return done;
}

}  // namespace holdfast::ctl
