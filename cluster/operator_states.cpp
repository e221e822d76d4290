#include "cluster/operator_states.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace holdfast::cluster {

namespace {

using health::OperatorOrder;
using health::OperatorState;

constexpr base::Duration kSaveAgain = std::chrono::seconds{5};

}  // namespace

OperatorStates::OperatorStates(std::string_view state_dir, base::Scheduler& scheduler, redis::Redis* redis,
                               std::string_view prefix, Listener& listener)
    : file_(state_dir),
      scheduler_(scheduler),
      listener_(listener),
      map_(scheduler, redis, OrderCodec(prefix), static_cast<ReplicatedMap<OrderCodec>::Copy&>(*this)) {}

void OperatorStates::load() {
  auto book = file_.load();
  if (!book) {
    base::log::error("operator_file", {{"error", book.error().text}});
    return;
  }
  book_ = std::move(*book);
  for (const auto& [backend, order] : book_.entries()) {
    map_.note(backend);
    notify(backend);
  }
}

base::Result<void> OperatorStates::set(std::string_view backend, OperatorState state, std::string_view by,
                                       std::optional<base::Duration> deadline) {
  OperatorOrder order{.state = state, .by = std::string(by), .at = base::wall_now(), .deadline = {}};
  if (const OperatorOrder* known = book_.find(backend)) {
    order.at = std::max(order.at, known->at + std::chrono::milliseconds{1});
  }
  if (deadline) order.deadline = order.at + std::chrono::duration_cast<std::chrono::milliseconds>(*deadline);
  if (!book_.merge(backend, order)) return base::Error{base::ErrorCode::Overload, "the record of operators is full"};
  map_.note(std::string(backend));
  notify(backend);
  map_.put(std::string(backend));
  return save();
}

void OperatorStates::on_tick(base::WallTime now) {
  if (save_again_ && scheduler_.now() >= *save_again_) static_cast<void>(save());
  std::vector<std::string> over;
  for (const auto& [backend, timed] : timed_) {
    if (timed.due <= scheduler_.now() || *timed.order.deadline <= now) over.push_back(backend);
  }
  for (const std::string& backend : over) notify(backend);
}

void OperatorStates::repeat() {
  for (const auto& [backend, order] : book_.entries()) notify(backend);
}

std::optional<OperatorOrder> OperatorStates::find(const std::string& backend) const {
  const OperatorOrder* order = book_.find(backend);
  return order == nullptr ? std::nullopt : std::optional(*order);
}

std::vector<std::string> OperatorStates::keys() const {
  std::vector<std::string> keys;
  for (const auto& [backend, order] : book_.entries()) keys.push_back(backend);
  return keys;
}

bool OperatorStates::adopt(const std::string& backend, const OperatorOrder& order) {
  const OperatorOrder* ours = book_.find(backend);
  if (ours != nullptr && *ours == order) return false;
  book_.replace(backend, order);
  notify(backend);
  return true;
}

void OperatorStates::notify(std::string_view backend) {
  const OperatorOrder* order = book_.find(backend);
  if (order == nullptr) return;
  OperatorOrder holds = effective(*order, base::wall_now());
  const auto known = timed_.find(backend);
  if (known != timed_.end() && known->second.order != *order) timed_.erase(known);
  if (order->state == OperatorState::Drain && order->deadline) {
    const base::Instant now = scheduler_.now();
    const base::Instant due = now + (*order->deadline - base::wall_now());
    Timed& timed = timed_.try_emplace(std::string(backend), Timed{*order, due}).first->second;
    // A clock that is set meanwhile puts nothing off that was near, and brings nothing back that has passed.
    if (holds.state == OperatorState::Maint) timed.due = std::min(timed.due, now);
    if (timed.due <= now) holds.state = OperatorState::Maint;
  }
  listener_.on_order(backend, holds);
}

/// Trouble is said when it begins and when it is over. What is not on disk is tried again (on_tick).
base::Result<void> OperatorStates::save() {
  auto saved = file_.save(book_);
  if (!saved && !save_again_) base::log::error("operator_file", {{"error", saved.error().text}});
  if (saved && save_again_) base::log::info("operator_file_works_again", {{"path", file_.path()}});
  save_again_ = saved ? std::nullopt : std::optional(scheduler_.now() + kSaveAgain);
  return saved;
}

}  // namespace holdfast::cluster
