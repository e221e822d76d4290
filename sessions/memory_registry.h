#pragma once

#include "base/scheduler.h"
#include "sessions/memory_store.h"
#include "sessions/registry.h"

namespace holdfast::sessions {

/// The sessions of a single proxy, in memory: everything is done at once.
class MemoryRegistry final : public Registry {
 public:
  /// Both outlive it.
  MemoryRegistry(MemoryStore& memory, base::Scheduler& scheduler) : memory_(memory), scheduler_(scheduler) {}

  void list(const std::string& pool, const std::vector<BackendTag>& backends, std::size_t limit,
            Done<std::vector<Listed>> done) override;
  void find(const std::string& pool, const Key& key, Done<std::optional<Listed>> done) override;
  void move(const std::string& pool, const Key& key, BackendTag to, Done<Effect> done) override;
  void end(const std::string& pool, const Key& key, Done<Effect> done) override;
  void clear(const std::string& pool, BackendTag backend, const std::vector<BackendTag>& to,
             Done<Effect> done) override;

  /// While the map goes to another process nothing may change here: orders are refused, to be given again.
  enum class Orders : std::uint8_t { Taken, Refused };
  void take_orders(Orders orders) { orders_ = orders; }

 private:
  base::Error refusal() const { return {base::ErrorCode::Unavailable, "an upgrade is under way: try again"}; }
  Listed listed(const Session& session) const;

  MemoryStore& memory_;
  base::Scheduler& scheduler_;
  Orders orders_ = Orders::Taken;
};

}  // namespace holdfast::sessions
