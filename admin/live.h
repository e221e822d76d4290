#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "admin/status_patches.h"
#include "admin/timeline.h"
#include "admin/view.h"
#include "base/scheduler.h"
#include "web/message.h"

namespace holdfast::admin {

/// What changes, told to whoever listens, as server-sent events (WHATWG HTML section 9.2): the timeline's events, and
/// for pages the status. Lives on the control loop; makes no view while nobody listens for one.
///
/// A status listener first gets `event: status` with all of GET /api/v1/status, then `event: patch` (status_patches.h):
/// what people wait for at once, numbers as often as a budget of bytes allows, so that hundreds of backends do not
/// flood a page. All listeners get the same patches: ten pages cost little more than one.
class Live {
 public:
  struct Limits {
    std::size_t listeners_max = 32;
    base::Duration tick = std::chrono::seconds{1};            ///< Between patches.
    base::Duration soonest = std::chrono::milliseconds{100};  ///< The same, when there is news.
    base::Duration heartbeat = std::chrono::seconds{15};      ///< The longest silence.
    StatusPatches::Limits patches{};
  };
  enum class With : std::uint8_t { EventsOnly, Status };

  /// All outlive it.
  Live(base::Scheduler& scheduler, const StatusSource& source, const Timeline& timeline)
      : Live(scheduler, source, timeline, Limits{}) {}
  Live(base::Scheduler& scheduler, const StatusSource& source, const Timeline& timeline, Limits limits);
  ~Live();

  /// Whether a listener may go on; asked before all that it is told, and with each tick.
  using MayListen = std::function<bool()>;
  /// What a listener gets who has seen the timeline up to event `number`; nullptr: there are too many. Outlived by the
  /// Live.
  std::shared_ptr<web::Feed> listen(std::uint64_t number, With with, MayListen may_listen);
  /// The timeline has grown, or a state has changed.
  void nudge();
  std::size_t listener_count() const { return listeners_.size(); }

 private:
  class Listener;

  void begin(Listener& listener);
  void leave(const Listener& listener);
  void on_tick();
  bool has_status_listeners() const;
  void send_patch(const std::optional<std::string>& patch);

  base::Scheduler& scheduler_;
  const Timeline& timeline_;
  const Limits limits_;
  StatusPatches patches_;  // knows nothing while nobody listens for the status
  std::unique_ptr<base::Timer> timer_;
  std::vector<Listener*> listeners_;
  base::Instant told_at_{};  // the last patch
};

/// One event as JSON: {"id","time","level","event","pool","backend","reason","fields"}.
nlohmann::ordered_json event_json(const TimelineEvent& event, const Timeline& timeline);
/// The body of GET /api/v1/events.
std::string events_json(const Timeline& timeline, std::uint64_t after);

}  // namespace holdfast::admin
