#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/scheduler.h"
#include "conf/settings.h"
#include "health/backend_watch.h"
#include "health/pool_state.h"
#include "health/report.h"
#include "health/view.h"
#include "net/stream.h"

namespace holdfast::health {

/// Is this proxy by itself away from the backends, while others reach them?
enum class Isolation : std::uint8_t { None, CutOff };

/// Knows how every backend is, and says so: a View to the workers, event lines to the log, a Report to the admin page.
///
/// Lives on the control loop, and every function is called there (workers post). A probe costs the same whether there
/// are three backends or thousands: no walk over all of them but one copy of the View, at most one per turn of the loop
/// in which something changed.
class Monitor final : private BackendWatch::Owner {
 public:
  class Listener {
   public:
    Listener() = default;
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    virtual ~Listener() = default;
    /// The first one comes from inside start(), each later one from the loop, once per turn with changes.
    virtual void on_view(std::shared_ptr<const View> view) = 0;
    /// Each change as it happens; it has been logged already.
    virtual void on_event(const Event&) {}
    /// The same of a pool, in the turn of the View that shows it.
    virtual void on_pool_event(const PoolEvent&) {}
    /// What our own probes and requests say of the backend has changed: other proxies should receive it at once.
    virtual void on_observation(conf::BackendId) {}
    /// Each of our own probes that counts, with when it began.
    virtual void on_probed(conf::BackendId, Reason, base::Instant) {}
  };

  /// `addresses` are the backends' own, by BackendId. `scheduler`, `dialer` and `listener` outlive it.
  Monitor(std::shared_ptr<const conf::Settings> settings, const std::vector<net::Address>& addresses,
          base::Scheduler& scheduler, net::Dialer& dialer, base::Random random, Listener& listener);
  ~Monitor() override;

  void start();
  /// Other settings: backends they do not change are watched on as if nothing had been. One that is new, or is
  /// somewhere else now, starts again; one that is gone keeps its sessions and gets no others. view() knows all of
  /// it at once.
  void reload(std::shared_ptr<const conf::Settings> settings, const std::vector<net::Address>& addresses);
  /// Ends all probing and publishing for good: no timer, dial or stream is left after this turn of the loop.
  void stop();

  /// A real request met Refused, Unreachable, Reset, Closed, Timeout or Malformed on the backend. `in_a_row` is how
  /// many did in that worker with no success between them. Suspect at once, probed at once, perhaps ejected.
  void on_passive_failure(conf::BackendId backend, base::ErrorCode code, std::uint32_t in_a_row);
  /// The first success after failures; matters only to backends without probes.
  void on_passive_success(conf::BackendId backend);

  /// Requests are in flight there, and no response has come for some time.
  void on_silence(conf::BackendId backend, base::Duration lasted);

  /// An operator's order, effective at once. Before start() too: what was recorded earlier.
  void set_operator_state(conf::BackendId backend, const OperatorOrder& order);
  /// What has changed reaches the listener now, not only after this turn of the loop.
  void publish();
  /// A drain comes to its end: what does not end by itself (tunnels, event streams) is closed. Until the next order.
  void end_long(conf::BackendId backend);
  /// What the proxies agree on; `words` say it for people, where it is the reason of a state.
  void set_quorum(conf::BackendId backend, Quorum quorum, std::string_view words = {});
  /// Our part of the steady probes. A backend in trouble is probed at full pace by everybody, whatever the share.
  void set_share(const Share& share);
  /// Another proxy has seen trouble, or the end of one: probe at once by ourselves. The result is an observation, be
  /// it news or not: it is what the other one waits for.
  void look_now(conf::BackendId backend);
  /// Tells the workers with the next View.
  void set_isolation(Isolation isolation);

  /// What was published last; never null after start().
  std::shared_ptr<const View> view() const { return view_; }
  /// As of now; may be a turn ahead of view().
  Report report(conf::BackendId backend) const;
  /// The part of it that matters most, for less.
  Condition condition(conf::BackendId backend) const { return watch(backend).condition(); }
  const OperatorOrder& order(conf::BackendId backend) const { return watch(backend).order(); }
  OwnObservation own_observation(conf::BackendId backend) const { return watch(backend).own_observation(); }
  PoolState pool_state(conf::PoolId pool) const { return pools_[conf::index(pool)].state; }

 private:
  // What was counted for a backend in its pool's numbers.
  struct Counted {
    bool serving = false;
    bool ejected = false;
    State state = State::Starting;
  };
  struct WatchedPool {
    std::shared_ptr<const conf::Pool> settings;  // a copy, shared with the watches
    PoolCount count;
    PoolTally tally;
    PoolState state = PoolState::Unknown;
    base::Instant since{};  // it does not serve
  };

  bool may_eject(conf::BackendId backend) override;
  void on_changed(const BackendWatch& watch) override;
  void on_event(const Event& event) override;
  void on_observation(conf::BackendId backend) override { listener_.on_observation(backend); }
  void on_probed(conf::BackendId backend, Reason reason, base::Instant began) override {
    listener_.on_probed(backend, reason, began);
  }
  void log(const Event& event) const;
  void watch_anew(const conf::Backend& backend);
  BackendWatch::Target target(const conf::Backend& backend) const;
  void count_all();
  void judge_pools();
  void publish_pool(conf::PoolId pool, PoolState before);
  BackendWatch& watch(conf::BackendId backend) const { return *watches_[conf::index(backend)]; }

  std::shared_ptr<const conf::Settings> settings_;
  std::vector<net::Address> addresses_;  // by BackendId
  base::Scheduler& scheduler_;
  net::Dialer& dialer_;
  base::Random random_;
  Listener& listener_;
  std::vector<WatchedPool> pools_;  // by PoolId
  std::vector<Counted> counted_;    // by BackendId
  View next_;                       // what will be published
  std::shared_ptr<const View> view_;
  std::unique_ptr<base::Timer> publish_;
  bool is_started_ = false;
  std::vector<std::unique_ptr<BackendWatch>> watches_;  // by BackendId; none for one that is gone
};

}  // namespace holdfast::health
