#pragma once

#include <optional>
#include <string_view>

#include "base/time.h"
#include "health/backend_reasons.h"
#include "health/report.h"
#include "health/suspicion.h"
#include "health/verdict.h"

namespace holdfast::health {

/// Which changes of one backend are worth an event, and what the event says. Pure; whoever asks passes it on.
class BackendEvents {
 public:
  explicit BackendEvents(conf::BackendId backend) : backend_(backend) {}

  /// All that an event may tell.
  struct Facts {
    const Judgement& judgement;
    Reason reason = Reason::None;  ///< Of the judgement.
    const BackendReasons& reasons;
    const Suspicion& suspicion;
    base::Instant ejected_until{};                 ///< While ejected.
    std::optional<base::Instant> overdue_since{};  ///< Set when the app has been starting for too long: since when.
    std::string_view last_detail{};                ///< Of the last probe.
  };

  /// The backend is watched from now on.
  void begin(base::Instant now) { out_since_ = now; }
  /// The first sign of trouble was then; where one is known already, nothing changes.
  void note_trouble(base::Instant since);
  void note_well() { trouble_since_.reset(); }

  std::optional<Event> on_change(const Judgement& before, const Facts& facts, base::Instant now);
  /// A probe has confirmed that the backend does not respond.
  std::optional<Event> on_silence_confirmed(const Facts& facts, base::Instant now);
  Event on_order(const OperatorOrder& order) const;

  /// Suspicions that come and go are told no more often than this.
  static constexpr base::Duration kSuspicionSaidEvery = std::chrono::seconds{10};

 private:
  std::optional<Event> event_of(const Judgement& before, const Facts& facts, base::Instant now);
  bool may_report_suspicion(base::Instant now);

  const conf::BackendId backend_;
  std::optional<base::Instant> trouble_since_;   // the first sign of what is going on now; none while all is well
  std::optional<base::Instant> out_since_;       // it is not UP
  std::optional<base::Instant> suspicion_said_;  // the last time
};

}  // namespace holdfast::health
