#include "ctl/sessions.h"

#include <fmt/format.h>

#include "base/json.h"
#include "ctl/order.h"
#include "ctl/text.h"

namespace holdfast::ctl {

namespace {

using Json = nlohmann::ordered_json;
using base::Error;
using base::ErrorCode;
using Verb = CtlSessions::Verb;

Error invalid(std::string text) { return {ErrorCode::Invalid, std::move(text)}; }

bool is_backend(std::string_view text) {
  const auto slash = text.find('/');
  return slash != std::string_view::npos && is_plain_name(text.substr(0, slash)) &&
         is_plain_name(text.substr(slash + 1));
}

std::string backend_path(std::string_view backend, std::string_view verb) {
  const auto slash = backend.find('/');
  return fmt::format("/api/v1/pools/{}/backends/{}/sessions/{}", backend.substr(0, slash),
                     path_segment(backend.substr(slash + 1)), verb);
}

std::string table(const Json& sessions) {
  std::string out = fmt::format("{:22}  {:20}  {:24}  {:24}  {}\n", "ID", "BACKEND", "SINCE", "LAST SEEN", "MOVES");
  for (const Json& session : sessions) {
    fmt::format_to(std::back_inserter(out), "{:22}  {:20}  {:24}  {:24}  {}\n", text_in(session, "id"),
                   text_in(session, "pool") + "/" + text_in(session, "backend"), text_in(session, "since"),
                   text_in(session, "last_seen"), session.value("moves", 0u));
  }
  return out;
}

}  // namespace

base::Result<CtlAsk> sessions_ask(const CtlSessions& typed) {
  if (!typed.backend.empty() && !is_backend(typed.backend)) {
    return invalid(fmt::format("\"{}\" is not a backend; expected POOL/BACKEND", typed.backend));
  }
  if (!typed.pool.empty() && !is_plain_name(typed.pool))
    return invalid(fmt::format("\"{}\" is not a pool name", typed.pool));
  if (typed.verb == Verb::Move && !typed.backend.empty() && !typed.id.empty()) {
    return invalid(
        "the sessions of a backend move to all others of its pool: sessions move --backend POOL/BACKEND, without a "
        "target");
  }
  if (!typed.id.empty() && !is_plain_name(typed.id))
    return invalid(fmt::format("\"{}\" is not a session id", typed.id));
  if (typed.verb == Verb::List) {
    std::string path = fmt::format("/api/v1/sessions?limit={}", typed.limit);
    if (!typed.backend.empty()) path += "&backend=" + path_segment(typed.backend);
    if (!typed.pool.empty()) path += "&pool=" + typed.pool;
    return CtlAsk{path, {}};
  }
  const int named = (typed.id.empty() ? 0 : 1) + (typed.backend.empty() ? 0 : 1) + (typed.pool.empty() ? 0 : 1);
  if (named != 1) return invalid("which sessions? Give an ID, or --backend POOL/BACKEND, or --pool POOL");
  if (typed.verb == Verb::End) {
    if (!typed.id.empty()) return CtlAsk{"/api/v1/sessions/" + typed.id + "/end", "{}"};
    if (!typed.backend.empty()) return CtlAsk{backend_path(typed.backend, "end"), "{}"};
    return CtlAsk{"/api/v1/pools/" + typed.pool + "/sessions/end", "{}"};
  }
  if (!typed.backend.empty()) {
    return CtlAsk{backend_path(typed.backend, "move"), "{}"};
  }
  if (typed.id.empty() || !is_backend(typed.to)) return invalid("expected: sessions move ID POOL/BACKEND");
  return CtlAsk{"/api/v1/sessions/" + typed.id + "/move", base::json_text(Json{{"to", typed.to}})};
}

base::Result<std::string> sessions_words(const CtlSessions& typed, std::string_view response) {
  const Json json = base::parse_json(response);
  if (!json.is_object()) return Error{ErrorCode::Malformed, "this is not a response of holdfast"};
  if (typed.verb == Verb::List) {
    const auto sessions = json.find("sessions");
    if (sessions == json.end() || !sessions->is_array()) {
      return Error{ErrorCode::Malformed, "this is not a response of holdfast"};
    }
    return table(*sessions);
  }
  const auto confirmed = json.find("confirmed");
  const std::string_view caution =
      confirmed != json.end() && *confirmed == false ? "; a proxy has not confirmed it: it obeys within 3 s\n" : "\n";
  if (json.contains("ended") && json["ended"].is_number())
    return fmt::format("{} ended{}", base::json_text(json["ended"]), caution);
  if (json.contains("moved") && json["moved"].is_number())
    return fmt::format("{} moved{}", base::json_text(json["moved"]), caution);
  if (typed.verb == Verb::End) return fmt::format("{} ended{}", text_in(json, "id"), caution);
  return fmt::format("{} is at {}/{}{}", text_in(json, "id"), text_in(json, "pool"), text_in(json, "backend"), caution);
}

}  // namespace holdfast::ctl
