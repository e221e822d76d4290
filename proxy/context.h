#pragma once

#include <array>
#include <atomic>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/buffers.h"
#include "base/random.h"
#include "base/scheduler.h"
#include "health/view.h"
#include "http/head.h"
#include "net/stream.h"
#include "proxy/backend_pool.h"
#include "proxy/balance.h"
#include "proxy/concurrency_limits.h"
#include "proxy/counters.h"
#include "proxy/identity.h"
#include "proxy/load.h"
#include "proxy/quarantine.h"
#include "proxy/retry.h"
#include "proxy/snapshot.h"
#include "sessions/move_log.h"
#include "sessions/store.h"

namespace holdfast::proxy {

class Attempt;
class Dispatch;

/// What the data path tells the floors above. Called on the worker's thread; must not block.
class ProxyListener {
 public:
  ProxyListener() = default;
  ProxyListener(const ProxyListener&) = delete;
  ProxyListener& operator=(const ProxyListener&) = delete;
  virtual ~ProxyListener() = default;
  /// A request met a failure of this backend, the `in_a_row`-th without a success between (over all workers).
  virtual void on_backend_failure(conf::BackendId backend, base::ErrorCode error, std::uint32_t in_a_row) = 0;
  /// The first success after failures.
  virtual void on_backend_success(conf::BackendId backend) = 0;
  /// A session has gone elsewhere.
  virtual void on_moved(const sessions::Key& key, const sessions::Move& move) = 0;
  /// Its connection to the backend was lost while it was in flight there. What becomes of it may wait for the
  /// judgement, which comes with a QuarantineView.
  virtual void on_request_lost(const LostRequest& lost) = 0;
  /// A request that the QuarantineView has for suspect was answered.
  virtual void on_suspect_answered(const Fingerprint& fingerprint) = 0;
  /// One finished request's line, with its newline.
  virtual void on_access_line(std::string_view line) = 0;
  /// The last client of a draining proxy has gone.
  virtual void on_drained() = 0;
};

/// What all workers share, and the worker's way to the session map; outlives its Proxy.
struct Shared {
  sessions::Store& store;  ///< The worker's own.
  const sessions::Keyring& keyring;
  Loads& loads;  ///< By BackendId.
  ConcurrencyLimits& concurrency;
  SafeKinds& safe_kinds;
  std::atomic<std::uint32_t>& connections;  ///< Client connections of the process.
  std::uint32_t workers = 1;
  /// Client connections the process has descriptors for.
  std::uint32_t connections_max = std::numeric_limits<std::uint32_t>::max();
};

/// How many reads one transfer does in a turn of the loop, so that the others get theirs.
inline constexpr int kReadsPerTurn = 8;

/// Room that is used within one callback only, never across: every read lands here and every head is written here.
struct Scratch {
  static constexpr std::size_t kBytes = 128u << 10;

  std::unique_ptr<std::array<char, kBytes>> bytes = std::make_unique<std::array<char, kBytes>>();
  http::RequestHead request_head;
  http::ResponseHead response_head;
  std::string text;
  std::string page;  ///< A response of our own, before it is in any protocol.
};

/// What the clients and exchanges of one worker work with. Owned by its Proxy, which outlives them all.
struct Context {
  Context(base::Scheduler& s, net::Dialer& d, const Shared& all, ProxyListener& l, std::shared_ptr<const Snapshot> snap,
          std::shared_ptr<const health::View> v, std::uint64_t seed);
  ~Context();

  const conf::Settings& settings() const { return *snapshot->settings; }
  /// What the app's session cookie looks like, as last seen; nothing yet: nullopt.
  std::optional<TicketStyle>& ticket_style_of(conf::PoolId id) {
    if (ticket_styles.size() <= conf::index(id)) ticket_styles.resize(conf::index(id) + 1);
    return ticket_styles[conf::index(id)];
  }
  base::Instant now() const { return scheduler.now(); }
  void set_view(std::shared_ptr<const health::View> v);
  /// After a reload: for all requests that come from now on. `v` knows of all backends in it.
  void set_snapshot(std::shared_ptr<const Snapshot> snap, std::shared_ptr<const health::View> v);
  /// For a Date field, of this second. The view is good until the next call.
  std::string_view date();

  base::Scheduler& scheduler;
  net::Dialer& dialer;
  Shared shared;
  ProxyListener& listener;
  GrantHandler* grants = nullptr;
  std::shared_ptr<const Snapshot> snapshot;
  std::shared_ptr<const health::View> view;
  std::shared_ptr<const QuarantineView> quarantine = std::make_shared<const QuarantineView>();
  std::vector<Balancer> balancers;   // by PoolId
  std::vector<RetryBudget> budgets;  // by PoolId
  BackendPool pool;
  base::Buffers buffers;
  Counters counters;
  base::Random random;
  SeenKinds kinds;
  std::vector<std::optional<TicketStyle>> ticket_styles;  // by PoolId; see ticket_style_of()
  bool is_draining = false;                               // no further request
  bool is_leaving = false;  // another process takes new connections: the next response of each client is its last

  Scratch scratch;
  std::unordered_map<TicketId, Attempt*> waiting;  // at a limit
  std::vector<Dispatch*> awaiting_verdict;         // on what may have crashed their backend
  std::uint64_t last_ticket = 0;

 private:
  void make_room();

  std::string date_;
  base::Instant date_made_{};
};

}  // namespace holdfast::proxy
