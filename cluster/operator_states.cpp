#include "cluster/operator_states.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace holdfast::cluster {

namespace {

using health::OperatorOrder;
using health::OperatorState;
using redis::RedisReply;

constexpr std::size_t kPutsUnderWayMax = 256;
constexpr base::Duration kSaveAgain = std::chrono::seconds{5};

// "now" is an operator's word of this moment: it comes after all that is there, whatever the clocks of the proxies say.
// "offer" is one of earlier: the later one stays. Returns what holds.
const redis::RedisScript& put_script() {
  static const redis::RedisScript script("operator_put", R"lua(
local order = cjson.decode(ARGV[2])
local old = redis.call('HGET', KEYS[1], ARGV[1])
local old_at = -1
if old then
  local ok, known = pcall(cjson.decode, old)
  if ok and type(known) == 'table' and type(known.at) == 'number' then old_at = known.at end
end
if ARGV[3] == 'now' then
  local time = redis.call('TIME')
  order.at = math.max(time[1] * 1000 + math.floor(time[2] / 1000), old_at + 1)
elseif old_at >= order.at then
  return old
end
local text = cjson.encode(order)
redis.call('HSET', KEYS[1], ARGV[1], text)
local version = redis.call('INCR', KEYS[2])
redis.call('PUBLISH', ARGV[4], ARGV[5] .. ' ' .. string.format('%.0f', version))
return text
)lua");
  return script;
}

}  // namespace

OperatorStates::OperatorStates(std::string_view state_dir, base::Scheduler& scheduler, redis::Redis* redis,
                               std::string_view prefix, Listener& listener)
    : file_(state_dir), scheduler_(scheduler), redis_(redis), keys_(prefix), listener_(listener) {}

void OperatorStates::load() {
  auto book = file_.load();
  if (!book) {
    base::log::error("operator_file", {{"error", book.error().text}});
    return;
  }
  book_ = std::move(*book);
  for (const auto& [backend, order] : book_.entries()) {
    unconfirmed_.insert(backend);
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
  unconfirmed_.emplace(backend);
  notify(backend);
  if (redis_ != nullptr && redis_->is_up()) put(std::string(backend), Put::Now);
  return save();
}

void OperatorStates::on_version(std::uint64_t version) {
  wanted_ = version;
  if (version_ != wanted_ || !unconfirmed_.empty()) read_all();
}

void OperatorStates::on_reconnected() {
  version_.reset();
  reading_.reset();
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

void OperatorStates::read_all() {
  if (redis_ == nullptr || reading_ || !puts_.empty()) return;  // read_rest() comes back to it
  reading_version_ = wanted_;
  reading_ = redis_->call({"HGETALL", keys_.orders}, [this](base::Result<RedisReply> reply) {
    scheduler_.bury(std::move(reading_));
    if (!reply || !reply->is_array()) return;
    on_all(*reply);
    read_rest();
  });
}

void OperatorStates::read_rest() {
  if (redis_->is_up() && version_ != wanted_) read_all();
}

void OperatorStates::on_all(const RedisReply& reply) {
  if (!puts_.empty()) return;  // said meanwhile: what was read may be older than that
  version_ = reading_version_;
  const OperatorBook::Entries before = book_.entries();
  std::set<std::string, std::less<>> known;
  for (std::size_t i = 0; i + 1 < reply.items.size(); i += 2) {
    const auto order = parse_order(reply.items[i + 1].text);
    if (!order) continue;
    known.insert(reply.items[i].text);
    adopt(reply.items[i].text, *order);
  }
  for (const auto& [backend, order] : book_.entries()) {
    if (!known.contains(backend)) unconfirmed_.insert(backend);  // Redis has lost it
  }
  if (before != book_.entries()) {
    static_cast<void>(save());
  }
  offer_rest();
}

void OperatorStates::adopt(std::string_view backend, const OperatorOrder& order) {
  const OperatorOrder* ours = book_.find(backend);
  if (ours != nullptr && unconfirmed_.contains(backend) && is_later(*ours, order)) return;  // to be offered
  if (const auto it = unconfirmed_.find(backend); it != unconfirmed_.end()) unconfirmed_.erase(it);
  if (ours != nullptr && *ours == order) return;
  book_.replace(backend, order);
  notify(backend);
}

void OperatorStates::offer_rest() {
  for (const std::string& backend : unconfirmed_) {
    if (puts_.size() >= kPutsUnderWayMax) return;  // the next heartbeat goes on
    put(backend, Put::Offer);
  }
}

void OperatorStates::put(const std::string& backend, Put how) {
  const OperatorOrder* order = book_.find(backend);
  if (order == nullptr) return;
  // The handle is the callback's way to find itself among the others.
  auto slot = std::make_shared<const redis::RedisCall*>(nullptr);
  auto call = redis_->run(put_script(), {keys_.orders, keys_.orders_version},
                          {backend, text_of(*order), how == Put::Now ? "now" : "offer", keys_.channel, kOrdersMessage},
                          [this, slot, backend, sent = *order](base::Result<RedisReply> reply) {
                            forget_call(*slot);
                            if (reply) on_put(backend, sent, *reply);
                            read_rest();
                          });
  *slot = call.get();
  puts_.push_back(std::move(call));
}

void OperatorStates::on_put(const std::string& backend, const OperatorOrder& sent, const RedisReply& reply) {
  const auto holds = parse_order(reply.text);
  const OperatorOrder* ours = book_.find(backend);
  if (!holds || ours == nullptr || *ours != sent) return;  // we have said something else since
  unconfirmed_.erase(backend);
  if (*holds == sent) return;
  book_.replace(backend, *holds);
  notify(backend);
  static_cast<void>(save());
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

void OperatorStates::forget_call(const redis::RedisCall* call) {
  const auto it = std::find_if(puts_.begin(), puts_.end(), [&](const auto& owned) { return owned.get() == call; });
  if (it == puts_.end()) return;
  scheduler_.bury(std::move(*it));
  puts_.erase(it);
}

}  // namespace holdfast::cluster
