#include "net/resolver.h"

#include <atomic>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

namespace holdfast::net {

namespace {

std::atomic<int> threads_now{0};

/// What a lookup shares with its thread, which may outlive it.
struct Shared {
  std::mutex mutex;
  base::Scheduler* scheduler = nullptr;  // guarded by mutex; null once nobody waits
  std::function<void(base::Result<Address>)> on_found;
};

void find(const conf::Endpoint& endpoint, const std::shared_ptr<Shared>& shared) {
  auto found = resolve(endpoint);
  --threads_now;
  const std::lock_guard lock(shared->mutex);
  if (shared->scheduler == nullptr) return;
  shared->scheduler->post([shared, found = std::move(found)] {
    // On the loop's thread, as is the destructor that sets it to null.
    if (shared->on_found) shared->on_found(found);
  });
}

class SystemLookup final : public Lookup {
 public:
  SystemLookup(base::Scheduler& scheduler, const conf::Endpoint& endpoint, base::Duration timeout, Resolver::Done done)
      : timer_(scheduler.timer([this] { on_due(); })), done_(std::move(done)) {
    failure_ = {base::ErrorCode::Timeout, endpoint.host + ": the lookup timed out"};
    literal_ = literal_address(endpoint);
    const bool waits = !literal_ && start_thread(scheduler, endpoint);
    timer_->set(scheduler.now() + (waits ? timeout : base::Duration::zero()));
  }
  ~SystemLookup() override {
    if (!shared_) return;
    const std::lock_guard lock(shared_->mutex);
    shared_->scheduler = nullptr;
    shared_->on_found = nullptr;
  }

 private:
  bool start_thread(base::Scheduler& scheduler, const conf::Endpoint& endpoint) {
    if (++threads_now > SystemResolver::kThreadsMax) {
      --threads_now;
      failure_ = {base::ErrorCode::Overload, endpoint.host + ": too many names are being looked up"};
      return false;
    }
    shared_ = std::make_shared<Shared>();
    shared_->scheduler = &scheduler;
    shared_->on_found = [this](base::Result<Address> found) { finish(std::move(found)); };
    try {
      std::thread(find, endpoint, shared_).detach();
    } catch (const std::system_error& error) {
      --threads_now;
      failure_ = {base::ErrorCode::Overload, endpoint.host + ": " + error.what()};
      return false;
    }
    return true;
  }

  void on_due() {
    if (literal_) return finish(*literal_);
    finish(std::move(failure_));
  }
  void finish(base::Result<Address> result) {
    if (!done_) return;  // the name was found in the very turn in which the time was up
    timer_->cancel();
    const auto done = std::exchange(done_, nullptr);
    done(std::move(result));  // may bury this lookup
  }

  std::unique_ptr<base::Timer> timer_;
  Resolver::Done done_;
  std::optional<Address> literal_;
  base::Error failure_;
  std::shared_ptr<Shared> shared_;  // null for a literal
};

}  // namespace

std::unique_ptr<Lookup> SystemResolver::lookup(const conf::Endpoint& endpoint, base::Duration timeout, Done done) {
  return std::make_unique<SystemLookup>(scheduler_, endpoint, timeout, std::move(done));
}

}  // namespace holdfast::net
