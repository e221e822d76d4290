#include "admin/operator_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/json.h"
#include "base/text.h"

namespace holdfast::admin {

using web::Caller;
using web::json_response;
using web::Request;
using web::Response;
using web::Router;
using web::text_response;

namespace {

using Json = nlohmann::ordered_json;
using health::OperatorState;

constexpr std::size_t kByBytesMax = 64;
constexpr std::size_t kNamesListedMax = 20;

template <class Views>
std::string names_of(const Views& views) {
  std::string out;
  for (std::size_t i = 0; i < views.size() && i < kNamesListedMax; ++i) {
    out += (i == 0 ? "" : ", ") + views[i].name;
  }
  return views.size() > kNamesListedMax ? out + ", ..." : out;
}

template <class Views>
auto named(Views& views, std::string_view name) {
  return std::find_if(views.begin(), views.end(), [&](const auto& view) { return view.name == name; });
}

base::Error invalid(std::string text) { return {base::ErrorCode::Invalid, std::move(text)}; }

base::Result<void> read_deadline(const Json& value, OperatorAsk& ask) {
  if (ask.state != OperatorState::Drain) return invalid("only a drain has a deadline");
  ask.deadline = value.is_string() ? base::parse_duration(value.get<std::string>()) : std::nullopt;
  if (!ask.deadline || *ask.deadline <= base::Duration::zero() || *ask.deadline > std::chrono::hours{24 * 365}) {
    return invalid("deadline: expected a duration such as \"10m\"");
  }
  return {};
}

base::Result<void> read_body(std::string_view text, const Caller& caller, OperatorAsk& ask) {
  if (base::trim(text).empty()) return {};
  const Json body = base::parse_json(text);
  if (!body.is_object()) return invalid("the body is not a JSON object");
  for (const auto& [key, value] : body.items()) {
    if (key == "deadline") {
      if (auto read = read_deadline(value, ask); !read) return read;
    } else if (key == "by") {
      const auto by = value.is_string() ? value.get<std::string>() : std::string{};
      if (by.empty() || by.size() > kByBytesMax) return invalid("by: expected a name of up to 64 bytes");
      if (caller.name.empty()) ask.by = by;  // who is known by name cannot claim another
    } else {
      return invalid(fmt::format("\"{}\" is not a known key; the keys are deadline and by", key));
    }
  }
  return {};
}

/// nullopt: there is none of that name. A reload may have removed it since the order came.
std::optional<BackendView> look_up(const OperatorAsk& ask, const StatusSource& source) {
  const StatusView now = source.states();
  const auto pool = named(now.pools, ask.pool);
  if (pool == now.pools.end()) return std::nullopt;
  const auto backend = named(pool->backends, ask.backend);
  if (backend == pool->backends.end()) return std::nullopt;
  return source.backend(static_cast<std::size_t>(pool - now.pools.begin()),
                        static_cast<std::size_t>(backend - pool->backends.begin()));
}

Response done(const OperatorAsk& ask, const StatusSource& source, const base::Result<void>& kept) {
  const auto backend = look_up(ask, source);
  if (!backend) return text_response(404, fmt::format("a reload removed {}/{} meanwhile", ask.pool, ask.backend));
  const Json body = {{"pool", ask.pool},
                     {"backend", ask.backend},
                     {"order", name_of(ask.state)},
                     {"state", name_of(backend->state)},
                     {"reason", backend->reason},
                     {"sessions", backend->sessions},
                     {"requests_in_flight", backend->requests_in_flight},
                     {"recorded", kept.has_value()},
                     {"warning", kept ? std::string{} : kept.error().text}};
  return json_response(body);
}

/// What is wrong with the names in an order; nullopt: nothing.
std::optional<Response> refuse_names(const OperatorAsk& ask, const StatusSource& source) {
  const StatusView now = source.states();
  const auto pool = named(now.pools, ask.pool);
  if (pool == now.pools.end()) {
    return text_response(404, fmt::format("no pool of that name; there are: {}", names_of(now.pools)));
  }
  if (named(pool->backends, ask.backend) == pool->backends.end()) {
    return text_response(
        404, fmt::format("no backend of that name in pool {}; there are: {}", ask.pool, names_of(pool->backends)));
  }
  return std::nullopt;
}

void take_order(const Request& request, OperatorState state, const StatusSource& source, OperatorService& service,
                const Router::Respond& respond) {
  OperatorAsk ask{
      .pool = request.captures[0], .backend = request.captures[1], .state = state, .by = request.by(), .deadline = {}};
  if (auto refusal = refuse_names(ask, source)) return respond(std::move(*refusal));
  if (const auto read = read_body(request.body, request.caller, ask); !read) {
    return respond(text_response(400, read.error().text));
  }
  service.obey(ask, [ask, &source, respond](const base::Result<void>& kept) {
    if (!kept && kept.error().code == base::ErrorCode::Overload) return respond(text_response(503, kept.error().text));
    respond(done(ask, source, kept));
  });
}

}  // namespace

void add_operator_routes(Router& router, const StatusSource& source, OperatorService& service) {
  for (const OperatorState state : {OperatorState::Drain, OperatorState::Ready, OperatorState::Maint}) {
    router.add_later(http::Method::Post, fmt::format("/api/v1/pools/{{pool}}/backends/{{backend}}/{}", name_of(state)),
                     [state, &source, &service](const Request& request, const Router::Respond& respond) {
                       take_order(request, state, source, service, respond);
                     });
  }
}

}  // namespace holdfast::admin
