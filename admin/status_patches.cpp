#include "admin/status_patches.h"

#include <algorithm>
#include <utility>

#include "admin/status_json.h"
#include "base/json.h"

namespace holdfast::admin {

namespace {

using Json = nlohmann::ordered_json;

/// What is urgent of a backend is what BackendState holds.
Priority priority_of(std::string_view key) {
  static constexpr std::string_view kNow[] = {
      "state", "reason",  "detail",   "since",  "suspect",    "summary",   "mood", "ready",
      "redis", "cluster", "deadline", "reload", "ordered_by", "failovers", "time", "uptime_seconds"};
  if (key == "last") return Priority::Never;  // of a probe: the history has it
  return std::find(std::begin(kNow), std::end(kNow), key) != std::end(kNow) ? Priority::Now : Priority::Later;
}

Priority priority_in_frame(std::string_view key) { return key == "backends" ? Priority::Never : priority_of(key); }

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
  may_send_numbers(now);
  seen_ = source_.status();
  Json wanted = status_document(seen_);
  next_ = 0;
  std::optional<Json> patch;
  if (!told_.is_null()) patch = catch_up(told_, wanted, priority_of, Priority::Later);
  told_ = std::move(wanted);  // the same, in the order of the view
  return patch ? std::optional(charged(*patch, Priority::Later)) : std::nullopt;
}

std::optional<std::string> StatusPatches::step(base::Instant now) {
  StatusView view = source_.states();
  if (!has_same_backends(view, seen_)) return all(now);
  const bool with_numbers = may_send_numbers(now);
  const Priority of_pools = with_numbers && next_ == 0 ? Priority::Later : Priority::Now;
  Json patch = catch_up(told_, status_frame(view), priority_in_frame, of_pools).value_or(Json::object());
  const std::size_t end = with_numbers ? next_ + limits_.backends_at_once : next_;
  std::size_t number = 0;
  for (Position at; at.pool < view.pools.size(); ++at.pool) {
    const PoolView& pool = view.pools[at.pool];
    for (at.backend = 0; at.backend < pool.backends.size(); ++at.backend, ++number) {
      const bool is_its_turn = number >= next_ && number < end;
      const bool is_news = state_of(pool.backends[at.backend]) != state_of(seen_.pools[at.pool].backends[at.backend]);
      if (is_its_turn || is_news) add_backend(at, is_its_turn ? Priority::Later : Priority::Now, patch);
    }
  }
  next_ = end < number ? end : 0;
  seen_ = std::move(view);
  if (patch.empty()) return std::nullopt;
  return charged(patch, with_numbers ? Priority::Later : Priority::Now);
}

void StatusPatches::add_backend(Position at, Priority least, Json& patch) {
  auto& [pool, document] = member(told_["pools"], at.pool);
  auto& [name, known] = member(document["backends"], at.backend);
  auto said = catch_up(known, backend_document(source_.backend(at.pool, at.backend)), priority_of, least);
  if (!said) return;
  Json& backends = inside(inside(inside(patch, "pools"), pool), "backends");
  backends.get_ref<Json::object_t&>().emplace_back(name, std::move(*said));
}

/// The budget fills up with time, to a second's worth, and may be overdrawn by one patch.
bool StatusPatches::may_send_numbers(base::Instant now) {
  const auto rate = static_cast<double>(limits_.number_bytes_per_second);
  const double seconds = std::chrono::duration<double>(now - refilled_).count();
  bytes_left_ = std::min(rate, bytes_left_ + rate * seconds);
  refilled_ = now;
  return bytes_left_ > 0;
}

std::string StatusPatches::charged(const Json& patch, Priority least) {
  std::string text = base::json_text(patch);
  if (least != Priority::Now) bytes_left_ -= static_cast<double>(text.size());
  return text;
}

}  // namespace holdfast::admin
