#include "cluster/heartbeat.h"

#include <fmt/format.h>

#include <utility>

#include "base/log.h"

namespace holdfast::cluster {

namespace {

// Redis' time is known to half a round trip; smaller differences are noise and move nobody's turn.
constexpr base::Duration kClockNoise = std::chrono::milliseconds{20};

std::string link_words(const redis::RedisState& state) {
  return fmt::format("redis {}", state.reason.empty() ? name_of(state.word) : std::string_view(state.reason));
}

}  // namespace

Heartbeat::Heartbeat(base::Scheduler& scheduler, redis::Redis& redis, const Keys& keys, ProxyReport own, Owner& owner)
    : scheduler_(scheduler),
      redis_(redis),
      keys_(keys),
      owner_(owner),
      report_(std::move(own)),
      id_(report_.id()),
      tick_(scheduler_.timer([this] { on_tick(); })) {}

void Heartbeat::send_soon() { tick_->set(scheduler_.now()); }

void Heartbeat::stop() {
  tick_->cancel();
  call_.reset();
  lease_.lose();
}

void Heartbeat::on_link_down() { fall_back(link_words(redis_.state())); }

void Heartbeat::on_tick() {
  const base::Instant now = scheduler_.now();
  tick_->set(now + kInterval);
  owner_.on_tick();
  if (ticks_.on_tick(now, base::wall_now()) == TickWatch::Tick::Late) {
    base::log::warn("cluster_paused");
    lease_.lose();
    owner_.on_pause();
  }
  if (!redis_.is_up()) return on_link_down();
  send();
}

void Heartbeat::send() {
  if (call_) return;
  const base::Instant asked = scheduler_.now();
  owner_.on_report_due(report_);
  report_.number = next_number();
  const std::string text = text_of(report_, asked);
  const bool may_lead = report_.standing == Standing::InTouch;
  call_ = redis_.run(
      heartbeat_script(), {keys_.proxies, keys_.leader, keys_.orders_version},
      {id_, std::to_string(base::count_ms(kLease)), text, std::to_string(lease_.fence()), may_lead ? "lead" : "follow"},
      [this, asked](base::Result<redis::RedisReply> reply) {
        scheduler_.bury(std::move(call_));
        if (!reply) return fall_back("redis: " + reply.error().text);
        on_reply(asked, *reply);
      });
}

void Heartbeat::on_reply(base::Instant asked, const redis::RedisReply& reply) {
  const base::Instant now = scheduler_.now();
  auto heartbeat = parse_heartbeat(reply, now);
  if (!heartbeat) return fall_back("redis: not the answer expected");
  if (now - asked > kLease) return;  // we have slept: all of this is history
  if (!std::exchange(is_together_, true)) {
    alone_because_.clear();
    owner_.on_together(heartbeat->live.size());
  }
  take_time(asked, heartbeat->redis_now);
  take_lead(asked, *heartbeat);
  owner_.on_heartbeat(std::move(*heartbeat));
}

void Heartbeat::take_time(base::Instant asked, base::WallTime redis_now) {
  const base::Instant middle = asked + (scheduler_.now() - asked) / 2;
  const base::Instant epoch = middle - base::Duration{redis_now.time_since_epoch()};
  const base::Duration off = epoch - epoch_;
  if (off > kClockNoise || off < -kClockNoise) epoch_ = epoch;
}

void Heartbeat::take_lead(base::Instant asked, const HeartbeatReply& reply) {
  if (reply.leader == id_) {
    lease_.on_granted(asked, reply.fence);
  } else {
    lease_.on_refused(reply.fence);
  }
  if (std::exchange(leader_, reply.leader) == reply.leader || reply.leader.empty()) return;
  base::log::info("cluster_leader", {{"node", reply.leader}, {"fencing_number", reply.fence}});
}

void Heartbeat::fall_back(std::string_view because) {
  alone_because_ = because;
  leader_.clear();
  lease_.lose();
  if (!std::exchange(is_together_, false)) return;
  base::log::warn("cluster_alone", {{"reason", because}});
  owner_.on_alone();
}

}  // namespace holdfast::cluster
