#include "cluster/observation.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>

namespace holdfast::cluster {

namespace {

using Json = nlohmann::json;
using health::ProbeState;

constexpr std::string_view kProbeWords[] = {"starting", "passing", "sick", "failing"};
constexpr std::size_t kNameBytesMax = 512;
constexpr std::int64_t kAgeMaxMs = std::int64_t{365} * 24 * 3600 * 1000;

Json age_json(const std::optional<base::Instant>& at, base::Instant now) {
  return at ? Json(base::count_ms(now - *at)) : Json();
}

std::optional<base::Instant> at_of(const Json& age, base::Instant now) {
  if (!age.is_number_integer()) return std::nullopt;
  const auto ms = std::clamp<std::int64_t>(age.get<std::int64_t>(), 0, kAgeMaxMs);
  return now - std::chrono::milliseconds{ms};
}

std::uint32_t count_of(const Json& number) {
  if (!number.is_number_unsigned()) return 0;
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(number.get<std::uint64_t>(), std::numeric_limits<std::uint32_t>::max()));
}

// An array, because it is said each second for each backend: probe, suspect, passed, failed, two ages, reason, sick,
// requests.
Json json_of(const Observation& seen, base::Instant now) {
  return Json::array({kProbeWords[static_cast<unsigned>(seen.probe)], seen.is_suspect, seen.passed_in_a_row,
                      seen.failed_in_a_row, age_json(seen.probed, now), age_json(seen.failing_since, now), seen.reason,
                      seen.sick_in_a_row, seen.requests});
}

std::optional<Observation> observation_of(const Json& json, base::Instant now) {
  if (!json.is_array() || json.size() < 7 || !json[0].is_string() || !json[1].is_boolean() || !json[6].is_string()) {
    return std::nullopt;
  }
  Observation seen;
  const auto* const word = std::find(std::begin(kProbeWords), std::end(kProbeWords), json[0].get<std::string>());
  if (word == std::end(kProbeWords)) return std::nullopt;
  seen.probe = static_cast<ProbeState>(word - std::begin(kProbeWords));
  seen.is_suspect = json[1].get<bool>();
  seen.passed_in_a_row = count_of(json[2]);
  seen.failed_in_a_row = count_of(json[3]);
  seen.probed = at_of(json[4], now);
  seen.failing_since = at_of(json[5], now);
  seen.reason = json[6].get<std::string>().substr(0, kNameBytesMax);
  if (json.size() > 7) seen.sick_in_a_row = count_of(json[7]);
  if (json.size() > 8) seen.requests = count_of(json[8]);
  return seen;
}

std::optional<std::string> name_in(const Json& object, const char* key) {
  const auto it = object.find(key);
  if (it == object.end() || !it->is_string()) return std::nullopt;
  auto text = it->get<std::string>();
  if (text.empty() || text.size() > kNameBytesMax) return std::nullopt;
  return text;
}

std::optional<std::uint64_t> number_in(const Json& object, const char* key = "number") {
  const auto it = object.find(key);
  return it != object.end() && it->is_number_unsigned() ? std::optional(it->get<std::uint64_t>()) : std::nullopt;
}

std::string dumped(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::optional<Json> object_in(std::string_view text) {
  Json json = Json::parse(text, nullptr, false);
  return json.is_object() ? std::optional(std::move(json)) : std::nullopt;
}

}  // namespace

Observation observe(const health::OwnObservation& own) {
  return {.probe = own.probe,
          .is_suspect = own.request_failed,
          .passed_in_a_row = own.passed_in_a_row,
          .failed_in_a_row = own.failed_in_a_row,
          .probed = own.probed,
          .failing_since = own.failing_since,
          .reason = std::string(name_of(own.reason)),
          .number = 0,
          .sick_in_a_row = own.sick_in_a_row,
          .requests = 0};
}

std::string text_of(const ProxyReport& word, base::Instant now) {
  Json sees = Json::object();
  for (const auto& [backend, seen] : word.sees) sees[backend] = json_of(seen, now);
  return dumped({{"name", word.name},
                 {"instance", word.instance},
                 {"cut_off", word.standing == Standing::CutOff},
                 {"number", word.number},
                 {"orders", word.orders},
                 {"sees", std::move(sees)}});
}

std::optional<ProxyReport> parse_proxy_report(std::string_view text, base::Instant now) {
  const auto json = object_in(text);
  if (!json) return std::nullopt;
  const auto name = name_in(*json, "name");
  const auto instance = name_in(*json, "instance");
  const auto number = number_in(*json);
  const auto sees = json->find("sees");
  if (!name || !instance || !number || sees == json->end() || !sees->is_object()) return std::nullopt;
  ProxyReport word{.name = *name, .instance = *instance, .standing = Standing::InTouch, .number = *number, .sees = {}};
  word.orders = number_in(*json, "orders").value_or(0);
  if (const auto cut_off = json->find("cut_off"); cut_off != json->end() && *cut_off == true) {
    word.standing = Standing::CutOff;
  }
  for (const auto& [backend, seen] : sees->items()) {
    if (word.sees.size() == kBackendsSeenMax) break;
    auto observation = observation_of(seen, now);
    if (!observation) continue;  // a newer version's word for something we do not know
    observation->number = word.number;
    word.sees.emplace(backend, std::move(*observation));
  }
  return word;
}

std::string text_of(const Broadcast& broadcast, base::Instant now) {
  return dumped({{"node", broadcast.proxy},
                 {"backend", broadcast.backend},
                 {"number", broadcast.seen.number},
                 {"sees", json_of(broadcast.seen, now)}});
}

std::optional<Broadcast> parse_broadcast(std::string_view text, base::Instant now) {
  const auto json = object_in(text);
  if (!json) return std::nullopt;
  const auto proxy = name_in(*json, "node");
  const auto backend = name_in(*json, "backend");
  const auto number = number_in(*json);
  if (!proxy || !backend || !number || !json->contains("sees")) return std::nullopt;
  auto seen = observation_of((*json)["sees"], now);
  if (!seen) return std::nullopt;
  seen->number = *number;
  return Broadcast{.proxy = *proxy, .backend = *backend, .seen = std::move(*seen)};
}

}  // namespace holdfast::cluster
