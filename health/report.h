#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "conf/settings.h"
#include "health/operator_state.h"
#include "health/probe_outcome.h"
#include "health/rise_fall.h"
#include "health/view.h"

namespace holdfast::health {

/// The last probes of one backend, in a ring.
class ProbeHistory {
 public:
  static constexpr std::size_t kKept = 20;
  void add(const ProbeRecord& record) { ring_[added_++ % kKept] = record; }
  /// Oldest first.
  std::vector<ProbeRecord> records() const {
    std::vector<ProbeRecord> out;
    out.reserve(std::min(added_, kKept));
    for (std::size_t i = added_ > kKept ? added_ - kKept : 0; i < added_; ++i) out.push_back(ring_[i % kKept]);
    return out;
  }

 private:
  std::array<ProbeRecord, kKept> ring_{};
  std::size_t added_ = 0;
};

/// What our own probes and our clients' requests say of one backend, whatever others say.
struct OwnObservation {
  ProbeState probe = ProbeState::Starting;
  bool request_failed = false;  ///< Suspect by a real request.
  std::uint32_t passed_in_a_row = 0;
  std::uint32_t failed_in_a_row = 0;
  std::uint32_t sick_in_a_row = 0;
  std::optional<base::Instant> probed{};         ///< Start of the last finished probe that counted.
  std::optional<base::Instant> failing_since{};  ///< Start of the first of the probes that failed in a row.
  Reason reason = Reason::None;                  ///< Of the last failure, while it matters.
};

/// How one backend is, and why. A copy: the caller's to keep.
struct Condition {
  State state = State::Starting;
  bool suspect = false;
  Reason reason = Reason::NotProbedYet;
  std::string detail;
  base::WallTime since{};  ///< When `state` began.
  OperatorOrder order;     ///< The last one; Ready by nobody when there was none.
};

/// Everything the status page says about one backend's health.
struct Report : Condition {
  std::uint32_t passed_in_a_row = 0;
  std::uint32_t failed_in_a_row = 0;
  std::uint64_t passed_total = 0;
  std::uint64_t failed_total = 0;
  std::uint64_t discarded_total = 0;  ///< Probes this process slept through.

  std::optional<ProbeRecord> last_probe;
  std::string last_detail;           ///< Of the last probe: "status 200", "no connection within 1s".
  std::vector<ProbeRecord> history;  ///< The last 20, oldest first.
  base::Duration took_total{};       ///< Of all probes that passed or failed.

  std::optional<base::WallTime> ejected_until;  ///< While ejected.
  std::uint32_t ejections_total = 0;
};

/// One change worth a line in the log and on the timeline.
struct Event {
  enum class Kind : std::uint8_t { Up, Down, Suspect, Ejected, Draining, Maint, Ready, Sick, Starting };
  Kind kind = Kind::Up;
  conf::BackendId backend{};
  Reason reason = Reason::None;
  std::string detail = {};
  base::Duration since{};   ///< Down, Ejected: since the first sign of trouble. Up: how long it was not.
  base::Duration length{};  ///< Ejected: for how long.
  OperatorOrder order{};    ///< Draining, Maint, Ready: who said so, and when.
};

constexpr std::string_view name_of(Event::Kind kind) {
  switch (kind) {
    case Event::Kind::Up:
      return "backend_up";
    case Event::Kind::Down:
      return "backend_down";
    case Event::Kind::Suspect:
      return "backend_suspect";
    case Event::Kind::Ejected:
      return "backend_ejected";
    case Event::Kind::Draining:
      return "backend_draining";
    case Event::Kind::Maint:
      return "backend_maint";
    case Event::Kind::Ready:
      return "backend_ready";
    case Event::Kind::Sick:
      return "backend_sick";
    case Event::Kind::Starting:
      return "backend_starting";
  }
  return "backend_down";
}

/// The same of a whole pool.
struct PoolEvent {
  enum class Kind : std::uint8_t { FailOpen, Closed, Serving };
  Kind kind = Kind::Serving;
  conf::PoolId pool{};
  bool is_on_purpose = false;  ///< Closed: operators have taken out every backend.
  std::string detail = {};     ///< FailOpen, Closed: what the first of its backends says.
  base::Duration since{};      ///< Serving: how long it was not.
};

constexpr std::string_view name_of(PoolEvent::Kind kind) {
  switch (kind) {
    case PoolEvent::Kind::FailOpen:
      return "pool_fail_open";
    case PoolEvent::Kind::Closed:
      return "pool_closed";
    case PoolEvent::Kind::Serving:
      return "pool_serving";
  }
  return "pool_closed";
}

}  // namespace holdfast::health
