#include "admin/roll_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/json.h"
#include "base/text.h"

namespace holdfast::admin {

using web::json_response;
using web::Request;
using web::Response;
using web::Router;
using web::text_response;

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kWordBytesMax = 255;
constexpr std::size_t kByBytesMax = 64;

/// Goes into a text of words.
bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= kWordBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

Json json_of(const Request& request) { return base::parse_json(request.body); }

std::optional<std::string> text_in(const Json& body, const char* key) {
  const auto it = body.find(key);
  if (it == body.end()) return std::string();
  if (!it->is_string()) return std::nullopt;
  return it->get<std::string>();
}

std::optional<RollAsk> read_ask(const Request& request) {
  const Json body = json_of(request);
  if (!body.is_object()) return std::nullopt;
  for (const auto& entry : body.items()) {
    if (entry.key() != "id" && entry.key() != "backend" && entry.key() != "by") return std::nullopt;
  }
  const auto id = text_in(body, "id");
  const auto backend = text_in(body, "backend");
  const auto by = text_in(body, "by");
  if (!id || !backend || !by || !is_word(*id) || by->size() > kByBytesMax) return std::nullopt;
  if (!backend->empty() && !is_word(*backend)) return std::nullopt;
  RollAsk ask{.pool = request.captures[0], .id = *id, .backend = *backend, .by = *by, .since = {}};
  if (!request.caller.name.empty() || ask.by.empty()) ask.by = request.by();
  return ask;
}

Response holds(const RollAsk& holder, base::Duration lease) {
  const Json body = {{"pool", holder.pool},
                     {"backend", holder.backend},
                     {"by", holder.by},
                     {"since", base::timestamp_text(holder.since)},
                     {"lease_seconds", std::chrono::duration_cast<std::chrono::seconds>(lease).count()}};
  return json_response(body);
}

Response refused(const RollAsk& holder, base::Duration lease) {
  const std::string at = holder.backend.empty() ? "" : fmt::format(", now at {}", holder.backend);
  return text_response(
      409, fmt::format("{} has been rolling through {} since {}{}; only one roll at a time; a dead roll expires "
                       "after {}",
                       holder.by, holder.pool, base::timestamp_text(holder.since), at, base::duration_text(lease)));
}

bool has_pool(const StatusSource& source, std::string_view name) {
  const StatusView now = source.states();
  return std::any_of(now.pools.begin(), now.pools.end(), [&](const PoolView& pool) { return pool.name == name; });
}

void take(const Request& request, const StatusSource& source, RollService& service, const Router::Respond& respond) {
  const auto ask = read_ask(request);
  if (!ask) return respond(text_response(400, R"(the body: expected {"id":"...","backend":"...","by":"..."})"));
  if (!has_pool(source, ask->pool)) return respond(text_response(404, "no pool of that name"));
  service.take_roll(*ask, [ask = *ask, &service, respond](const base::Result<RollAsk>& holder) {
    if (!holder) {
      return respond(text_response(503, "cannot check for another roll: " + holder.error().text));
    }
    respond(holder->id == ask.id ? holds(*holder, service.roll_lease()) : refused(*holder, service.roll_lease()));
  });
}

Response end(const Request& request, RollService& service) {
  const Json body = json_of(request);
  const auto id = body.is_object() ? text_in(body, "id") : std::nullopt;
  if (!id || !is_word(*id)) return text_response(400, R"(the body: expected {"id":"..."})");
  service.end_roll(request.captures[0], *id);
  return json_response({{"ended", true}});
}

}  // namespace

void add_roll_routes(Router& router, const StatusSource& source, RollService& service) {
  using http::Method;
  for (const char* path : {"/api/v1/pools/{pool}/roll", "/api/v1/pools/{pool}/roll/renew"}) {
    router.add_later(Method::Post, path, [&source, &service](const Request& request, const Router::Respond& respond) {
      take(request, source, service, respond);
    });
  }
  router.add(Method::Post, "/api/v1/pools/{pool}/roll/end",
             [&service](const Request& request) { return end(request, service); });
}

}  // namespace holdfast::admin
