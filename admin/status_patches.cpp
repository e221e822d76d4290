#include "admin/status_patches.h"

#include <algorithm>
#include <utility>

#include "admin/status_json.h"
#include "base/json.h"

namespace holdfast::admin {

namespace {

using Json = nlohmann::ordered_json;

/// What is hasty of a backend is what BackendState holds.
Haste haste_of(std::string_view key) {
  static constexpr std::string_view kNow[] = {
      "state", "reason",  "detail",   "since",  "suspect",    "summary",   "mood", "ready",
      "redis", "cluster", "deadline", "reload", "ordered_by", "failovers", "time", "uptime_seconds"};
  if (key == "last") return Haste::Never;  // of a probe: the history has it
  return std::find(std::begin(kNow), std::end(kNow), key) != std::end(kNow) ? Haste::Now : Haste::Later;
}

Haste haste_in_frame(std::string_view key) { return key == "backends" ? Haste::Never : haste_of(key); }

const BackendState& state_of(const BackendView& backend) { return backend; }

bool is_same_backend(const BackendView& a, const BackendView& b) { return a.name == b.name; }

bool is_same_pool(const PoolView& a, const PoolView& b) {
  return a.name == b.name &&
         std::equal(a.backends.begin(), a.backends.end(), b.backends.begin(), b.backends.end(), is_same_backend);
}

bool has_same_backends(const StatusView& a, const StatusView& b) {
  return std::equal(a.pools.begin(), a.pools.end(), b.pools.begin(), b.pools.end(), is_same_pool);
}

/// The member of that name, made if need be.
Json& inside(Json& object, const std::string& key) {
  Json& found = object[key];
  if (found.is_null()) found = Json::object();
  return found;
}

Json::object_t::value_type& member(Json& object, std::size_t at) {
  return *(object.get_ref<Json::object_t&>().begin() + static_cast<std::ptrdiff_t>(at));
}

}  // namespace

void StatusPatches::forget() {
  told_ = Json();
  seen_ = {};
}

std::string StatusPatches::document() const { return base::json_text(told_); }

std::optional<std::string> StatusPatches::all(base::Instant now) {
  may_tell_numbers(now);
  seen_ = source_.status();
  Json wanted = status_document(seen_);
  next_ = 0;
  std::optional<Json> patch;
  if (!told_.is_null()) patch = catch_up(told_, wanted, haste_of, Haste::Later);
  told_ = std::move(wanted);  // the same, in the order of the view
  return patch ? std::optional(charged(*patch, Haste::Later)) : std::nullopt;
}

std::optional<std::string> StatusPatches::step(base::Instant now) {
  StatusView view = source_.states();
  if (!has_same_backends(view, seen_)) return all(now);
  const bool with_numbers = may_tell_numbers(now);
  const Haste of_pools = with_numbers && next_ == 0 ? Haste::Later : Haste::Now;
  Json patch = catch_up(told_, status_frame(view), haste_in_frame, of_pools).value_or(Json::object());
  const std::size_t end = with_numbers ? next_ + limits_.backends_at_once : next_;
  std::size_t number = 0;
  for (Place at; at.pool < view.pools.size(); ++at.pool) {
    const PoolView& pool = view.pools[at.pool];
    for (at.backend = 0; at.backend < pool.backends.size(); ++at.backend, ++number) {
      const bool is_its_turn = number >= next_ && number < end;
      const bool is_news = state_of(pool.backends[at.backend]) != state_of(seen_.pools[at.pool].backends[at.backend]);
      if (is_its_turn || is_news) tell_backend(at, is_its_turn ? Haste::Later : Haste::Now, patch);
    }
  }
  next_ = end < number ? end : 0;
  seen_ = std::move(view);
  if (patch.empty()) return std::nullopt;
  return charged(patch, with_numbers ? Haste::Later : Haste::Now);
}

void StatusPatches::tell_backend(Place at, Haste least, Json& patch) {
  auto& [pool, document] = member(told_["pools"], at.pool);
  auto& [name, known] = member(document["backends"], at.backend);
  auto said = catch_up(known, backend_document(source_.backend(at.pool, at.backend)), haste_of, least);
  if (!said) return;
  Json& backends = inside(inside(inside(patch, "pools"), pool), "backends");
  backends.get_ref<Json::object_t&>().emplace_back(name, std::move(*said));
}

/// The budget fills up with time, to a second's worth, and may be overdrawn by one patch.
bool StatusPatches::may_tell_numbers(base::Instant now) {
  const auto rate = static_cast<double>(limits_.number_bytes_per_second);
  const double seconds = std::chrono::duration<double>(now - refilled_).count();
  bytes_left_ = std::min(rate, bytes_left_ + rate * seconds);
  refilled_ = now;
  return bytes_left_ > 0;
}

std::string StatusPatches::charged(const Json& patch, Haste least) {
  std::string text = base::json_text(patch);
  if (least != Haste::Now) bytes_left_ -= static_cast<double>(text.size());
  return text;
}

}  // namespace holdfast::admin
