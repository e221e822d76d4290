#include "admin/history.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/json.h"
#include "base/text.h"

namespace holdfast::admin {

namespace {

using Json = nlohmann::ordered_json;

std::uint64_t sum_of(const Counts& counts) {
  std::uint64_t sum = 0;
  for (const Count& count : counts) sum += count.count;
  return sum;
}

float milliseconds(base::Duration d) { return std::chrono::duration<float, std::milli>(d).count(); }

/// A tenth is all that a curve shows.
Json rounded(float value) {
  const double tenths = std::round(static_cast<double>(value) * 10.0);
  if (std::fmod(tenths, 10.0) == 0.0) return static_cast<std::int64_t>(tenths / 10.0);
  return tenths / 10.0;
}

}  // namespace

void History::note(const StatusView& view) {
  std::size_t at = 0;
  for (const PoolView& pool : view.pools) {
    add(at++, pool.name, {},
        {.requests = pool.requests_total,
         .errors = pool.failed_total,
         .sessions = pool.sessions,
         .latency = &pool.latency});
    for (const BackendView& backend : pool.backends) {
      add(at++, pool.name, backend.name,
          {.requests = backend.requests_total,
           .errors = sum_of(backend.failures),
           .sessions = backend.sessions,
           .latency = &backend.latency});
    }
  }
  curves_.resize(at);
  last_ = view.now;
  ++noted_;
}

void History::add(std::size_t at, const std::string& pool, const std::string& backend, const Sample& sample) {
  if (at >= curves_.size()) curves_.emplace_back();
  Curve& curve = curves_[at];
  if (curve.pool != pool || curve.backend != backend) {
    curve = Curve{};
    curve.pool = pool;
    curve.backend = backend;
  }
  const float seconds = std::chrono::duration<float>(kStep).count();
  const auto rate = [&](std::uint64_t now, std::uint64_t before) {
    return curve.is_known && now > before ? static_cast<float>(now - before) / seconds : 0.0F;
  };
  curve.points[noted_ % kSteps] = {.requests_per_s = rate(sample.requests, curve.requests),
                                   .errors_per_s = rate(sample.errors, curve.errors),
                                   .sessions = static_cast<float>(sample.sessions),
                                   .p95_ms = sample.latency->recent > 0 ? milliseconds(sample.latency->p95) : -1.0F};
  curve.requests = sample.requests;
  curve.errors = sample.errors;
  curve.is_known = true;
}

std::string History::json() const {
  const std::size_t kept = std::min(noted_, kSteps);
  const auto series = [&](const Curve& curve, float Point::*member) {
    Json out = Json::array();
    for (std::size_t i = noted_ - kept; i < noted_; ++i) {
      const float value = curve.points[i % kSteps].*member;
      out.push_back(value < 0 ? Json() : rounded(value));
    }
    return out;
  };
  Json pools = Json::object();
  for (const Curve& curve : curves_) {
    Json curves = {{"requests_per_s", series(curve, &Point::requests_per_s)},
                   {"errors_per_s", series(curve, &Point::errors_per_s)},
                   {"sessions", series(curve, &Point::sessions)},
                   {"p95_ms", series(curve, &Point::p95_ms)}};
    if (curve.backend.empty()) {
      curves["backends"] = Json::object();
      pools[curve.pool] = std::move(curves);
    } else {
      pools[curve.pool]["backends"].get_ref<Json::object_t&>().push_back({curve.backend, std::move(curves)});
    }
  }
  const Json out = {{"time", base::timestamp_text(last_)},
                    {"step_ms", base::count_ms(kStep)},
                    {"points", kept},
                    {"pools", std::move(pools)}};
  return base::json_text(out) + "\n";
}

}  // namespace holdfast::admin
