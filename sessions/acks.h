#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/scheduler.h"
#include "sessions/copy_lease.h"

namespace holdfast::sessions {

/// Have all proxies that use copies acknowledged a change?
enum class Acked : std::uint8_t {
  ByAll,
  NotByAll,  ///< A proxy has not acked in time, or Redis was away. A live proxy gets it with its next lease.
};

/// Collects the acks of the other proxies for one thread. The scripts that change sessions ask for them: each
/// subscriber sends an ack for the change, and Redis returns the list of subscribers.
class Acks final : private CopyLease::AckHandler {
 public:
  /// One wait. Destroying it: nobody waits any more. Not destroyed from inside `done`, but buried.
  class Wait final : public base::Buried {
   public:
    Wait(Acks& acks, std::uint64_t number, std::function<void(Acked)> done);
    ~Wait() override;

    /// What the script asks acks with: ours, as "SELF HANDLER NUMBER".
    const std::string& address() const { return address_; }
    /// The subscribers, as the script returned them. Begins the wait proper; may call `done` at once.
    void expect(const std::vector<std::string>& subscribers);
    /// Nobody waits any more: what is buried still exists for a while.
    void close();

   private:
    friend class Acks;
    void on_ack(std::string_view subscriber);
    void finish(Acked acked);
    bool is_complete() const;

    Acks& acks_;
    const std::uint64_t number_;
    const std::string address_;
    const base::Instant due_;
    std::function<void(Acked)> done_;
    bool is_open_ = true;
    bool is_expecting_ = false;
    std::vector<std::string> expected_;
    std::vector<std::string> got_;
    std::unique_ptr<base::Timer> timer_;
  };

  /// Nobody is waited for longer than `patience` from the beginning of a wait. References outlive it.
  Acks(CopyLease& copy_lease, base::Scheduler& scheduler, base::Duration patience);
  ~Acks() override;

  /// Begins a wait: to be called before the change is sent. `done` is called once, and not before expect().
  std::unique_ptr<Wait> wait(std::function<void(Acked)> done);

  static constexpr std::size_t kSubscribersMax = 1'000;

 private:
  void on_ack(std::uint64_t number, std::string_view subscriber) override;

  CopyLease& copy_lease_;
  base::Scheduler& scheduler_;
  const base::Duration patience_;
  const std::uint32_t handler_;
  std::uint64_t last_ = 0;
  std::unordered_map<std::uint64_t, Wait*> open_;
};

}  // namespace holdfast::sessions
