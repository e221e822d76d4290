#include "cluster/operator_book.h"

#include <tuple>
#include <utility>

#include "base/json.h"

namespace holdfast::cluster {

namespace {

using Json = nlohmann::ordered_json;
using health::OperatorOrder;
using health::OperatorState;

constexpr std::size_t kByBytesMax = 128;
constexpr std::size_t kNameBytesMax = 512;
constexpr std::int64_t kTimeMaxMs = std::int64_t{1} << 48;  // far behind all of us

std::int64_t ms_of(base::WallTime time) { return time.time_since_epoch().count(); }

std::optional<base::WallTime> time_of(const Json& object, const char* key) {
  const auto it = object.find(key);
  if (it == object.end() || !it->is_number_integer()) return std::nullopt;
  const auto ms = it->get<std::int64_t>();
  if (ms < 0 || ms > kTimeMaxMs) return std::nullopt;
  return base::WallTime{std::chrono::milliseconds{ms}};
}

Json json_of(const OperatorOrder& order) {
  Json out = {{"state", name_of(order.state)}, {"by", order.by}, {"at", ms_of(order.at)}};
  if (order.deadline) out["deadline"] = ms_of(*order.deadline);
  return out;
}

std::optional<OperatorOrder> order_of(const Json& json) {
  if (!json.is_object()) return std::nullopt;
  const auto state = json.find("state");
  const auto by = json.find("by");
  const auto at = time_of(json, "at");
  if (state == json.end() || !state->is_string() || by == json.end() || !by->is_string() || !at) return std::nullopt;
  const auto known = health::operator_state_named(state->get<std::string>());
  if (!known) return std::nullopt;
  return OperatorOrder{.state = *known,
                       .by = by->get<std::string>().substr(0, kByBytesMax),
                       .at = *at,
                       .deadline = time_of(json, "deadline")};
}

}  // namespace

bool is_later(const OperatorOrder& a, const OperatorOrder& b) {
  return std::tie(a.at, a.state, a.by, a.deadline) > std::tie(b.at, b.state, b.by, b.deadline);
}

bool OperatorBook::merge(std::string_view backend, const OperatorOrder& order) {
  const auto it = entries_.find(backend);
  if (it == entries_.end()) {
    if (entries_.size() >= kEntriesMax || backend.empty() || backend.size() > kNameBytesMax) return false;
    entries_.emplace(backend, order);
    return true;
  }
  if (!is_later(order, it->second)) return false;
  it->second = order;
  return true;
}

void OperatorBook::replace(std::string_view backend, const OperatorOrder& order) {
  if (!merge(backend, order) && find(backend) != nullptr) entries_.find(backend)->second = order;
}

const OperatorOrder* OperatorBook::find(std::string_view backend) const {
  const auto it = entries_.find(backend);
  return it == entries_.end() ? nullptr : &it->second;
}

OperatorOrder effective(const OperatorOrder& order, base::WallTime now) {
  OperatorOrder out = order;
  if (out.state == OperatorState::Drain && out.deadline && *out.deadline <= now) out.state = OperatorState::Maint;
  return out;
}

std::string text_of(const OperatorOrder& order) { return base::json_text(json_of(order)); }

std::optional<OperatorOrder> parse_order(std::string_view text) { return order_of(base::parse_json(text)); }

std::string text_of(const OperatorBook& book) {
  Json backends = Json::object();
  for (const auto& [backend, order] : book.entries()) backends[backend] = json_of(order);
  return base::json_text({{"version", 1}, {"backends", std::move(backends)}}, 1) + "\n";
}

base::Result<OperatorBook> parse_book(std::string_view text) {
  const Json json = base::parse_json(text);
  if (!json.is_object()) return base::Error{base::ErrorCode::Malformed, "no JSON object"};
  const auto backends = json.find("backends");
  if (backends == json.end() || !backends->is_object()) {
    return base::Error{base::ErrorCode::Malformed, "no object \"backends\" in it"};
  }
  OperatorBook book;
  for (const auto& [backend, value] : backends->items()) {
    const auto order = order_of(value);
    if (!order) return base::Error{base::ErrorCode::Malformed, "no order at \"" + backend + "\""};
    book.merge(backend, *order);
  }
  return book;
}

}  // namespace holdfast::cluster
