#include "tests/simulation/sim_link.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace holdfast::simulation {

using redis::RedisReply;

namespace {

LuaRedis::Words words_of(redis::RedisWords words) { return {words.begin(), words.end()}; }

}  // namespace

class SimLink::Handle final : public redis::RedisCall {
 public:
  Handle(SimLink& link, Done done) : link_(link), done_(std::move(done)) {}
  ~Handle() override { link_.forget(this); }
  void finish(base::Result<RedisReply> result) {
    const Done done = std::exchange(done_, nullptr);
    if (done) done(std::move(result));  // may destroy this
  }

 private:
  SimLink& link_;
  Done done_;
};

SimLink::SimLink(Machine& machine, std::function<void()> on_state)
    : machine_(machine),
      world_(machine.world()),
      on_state_(std::move(on_state)),
      due_timer_(machine.loop().timer([this] { on_due(); })),
      idle_timer_(machine.loop().timer([this] { on_idle(); })),
      connect_timer_(machine.loop().timer([this] { connect(); })),
      refuse_timer_(machine.loop().timer([this] {
        // Only those of now; a callback may destroy others: forget() has to find them.
        for (std::size_t left = refused_.size(); left > 0; --left) {
          Handle* handle = refused_.front();
          refused_.erase(refused_.begin());
          if (handle != nullptr) handle->finish(base::Error{base::ErrorCode::Unavailable, "down"});
        }
      })) {
  world_.add(this);
  connect_timer_->set(machine_.loop().now());
}

SimLink::~SimLink() {
  world_.remove(this);
  if (wire_) wire_->link = nullptr;
}

// --- callers ---

std::unique_ptr<redis::RedisCall> SimLink::call(redis::RedisWords words, Done done) {
  World& world = world_;
  return submit([&world, all = words_of(words)] { return world.redis.command(all); }, std::move(done));
}

std::unique_ptr<redis::RedisCall> SimLink::run(const redis::RedisScript& script, redis::RedisWords keys,
                                               redis::RedisWords args, Done done) {
  World& world = world_;
  return submit([&world, &script, k = words_of(keys), a = words_of(args)] { return world.redis.run(script, k, a); },
                std::move(done));
}

void SimLink::send(redis::RedisWords words) {
  World& world = world_;
  if (is_up_) send([&world, all = words_of(words)] { return world.redis.command(all); }, nullptr);
}

void SimLink::send(const redis::RedisScript& script, redis::RedisWords keys, redis::RedisWords args) {
  World& world = world_;
  if (!is_up_) return;
  send([&world, &script, k = words_of(keys), a = words_of(args)] { return world.redis.run(script, k, a); }, nullptr);
}

std::unique_ptr<SimLink::Handle> SimLink::submit(Command command, Done done) {
  auto handle = std::make_unique<Handle>(*this, std::move(done));
  if (is_up_) {
    send(std::move(command), handle.get());
  } else {
    refused_.push_back(handle.get());
    refuse_timer_->set(machine_.loop().now());
  }
  return handle;
}

void SimLink::forget(Handle* handle) {
  for (Sent& sent : sent_) {
    if (sent.handle == handle) sent.handle = nullptr;
  }
  std::replace(refused_.begin(), refused_.end(), handle, static_cast<Handle*>(nullptr));
}

const redis::RedisState& SimLink::state() const {
  static const redis::RedisState kOk{.word = redis::RedisState::Word::Ok};
  static const redis::RedisState kAway{.word = redis::RedisState::Word::Degraded, .reason = "refused"};
  return is_up_ ? kOk : kAway;
}

// --- the wire ---

void SimLink::send(Command command, Handle* handle) {
  const base::Instant now = machine_.loop().now();
  sent_.push_back({handle, now + kTimeout});
  if (!due_timer_->is_set()) due_timer_->set(sent_.front().due);
  const auto wire = wire_;
  World& world = world_;
  Machine& machine = machine_;
  wire->up_busy = std::max(wire->up_busy, world.now() + world.delay());
  world.at(wire->up_busy, [wire, &world, &machine, command = std::move(command)] {
    // A connection that the client has closed meanwhile may still bring what was sent before.
    if (wire->link != nullptr && machine.is_cut()) wire->is_broken = true;
    if (wire->is_broken) return;
    world.serve([wire, &world, &machine, command] {
      RedisReply reply = command();
      wire->down_busy = std::max(wire->down_busy, world.now() + world.delay());
      world.at(wire->down_busy, [wire, &machine, reply = std::move(reply)] {
        if (wire->link == nullptr) return;
        if (machine.is_cut()) wire->is_broken = true;
        if (wire->is_broken) return;
        machine.receive([wire, reply] {
          if (wire->link != nullptr) wire->link->on_reply(wire, reply);
        });
      });
    });
  });
}

void SimLink::on_reply(const std::shared_ptr<Wire>& wire, RedisReply reply) {
  base::check(wire == wire_ && !sent_.empty(), "a reply belongs to a command");
  const Sent sent = sent_.front();
  sent_.pop_front();
  if (sent_.empty()) {
    due_timer_->cancel();
  } else {
    due_timer_->set(sent_.front().due);
  }
  if (sent.handle != nullptr) sent.handle->finish(std::move(reply));
}

void SimLink::on_due() {
  if (sent_.empty()) return;
  if (sent_.front().due > machine_.loop().now()) return due_timer_->set(sent_.front().due);
  go_down(base::ErrorCode::Timeout);
}

void SimLink::on_idle() {
  idle_timer_->set(machine_.loop().now() + 1s);
  if (is_up_ && sent_.empty()) send({"PING"});
}

void SimLink::connect() {
  const auto try_again = [this] {
    connect_timer_->set(machine_.loop().now() + world_.between(pause_ / 2, pause_));
    pause_ = std::min<base::Duration>(pause_ * 2, 2s);
  };
  if (machine_.is_cut() || !world_.is_redis_up()) return try_again();
  // The greeting and the proving ping: a response in time, or another attempt.
  if (wire_) wire_->link = nullptr;
  wire_ = std::make_shared<Wire>();
  wire_->link = this;
  const auto wire = wire_;
  try_again();
  world_.at(world_.now() + world_.delay(), [wire, &world = world_, &machine = machine_] {
    if (wire->link == nullptr || machine.is_cut()) return;
    world.serve([wire, &world, &machine] {
      world.at(world.now() + world.delay(), [wire, &machine] {
        if (wire->link == nullptr || machine.is_cut()) return;
        machine.receive([wire] {
          if (wire->link != nullptr && wire->link->wire_ == wire) wire->link->go_up();
        });
      });
    });
  });
}

void SimLink::go_up() {
  if (is_up_) return;
  connect_timer_->cancel();
  pause_ = 50ms;
  is_up_ = true;
  idle_timer_->set(machine_.loop().now() + 1s);
  if (on_state_) on_state_();
}

void SimLink::go_down(base::ErrorCode why) {
  if (wire_) wire_->link = nullptr;
  wire_.reset();
  const bool was_up = std::exchange(is_up_, false);
  due_timer_->cancel();
  idle_timer_->cancel();
  connect_timer_->set(machine_.loop().now() + world_.between(pause_ / 2, pause_));
  if (was_up && on_state_) on_state_();
  // A callback may destroy other handles: forget() has to find them.
  while (!sent_.empty()) {
    Handle* handle = sent_.front().handle;
    sent_.pop_front();
    if (handle != nullptr) handle->finish(base::Error{why, "the connection is gone"});
  }
}

void SimLink::on_server_died() {
  const auto wire = wire_;
  if (!wire) return;
  wire->is_broken = true;
  if (machine_.is_cut()) return;  // the RST does not reach us
  world_.at(world_.now() + world_.delay(), [wire, &machine = machine_] {
    if (wire->link == nullptr) return;
    machine.receive([wire] {
      if (wire->link != nullptr && wire->link->wire_ == wire) wire->link->go_down(base::ErrorCode::Reset);
    });
  });
}

// --- the subscription ---

SimSubscription::SimSubscription(Machine& machine, std::vector<std::string> channels, redis::RedisListener& listener)
    : machine_(machine),
      world_(machine.world()),
      channels_(std::move(channels)),
      listener_(listener),
      connect_timer_(machine.loop().timer([this] { connect(); })),
      ping_timer_(machine.loop().timer([this] { on_ping(); })) {
  world_.add(this);
  connect_timer_->set(machine_.loop().now());
}

SimSubscription::~SimSubscription() {
  world_.remove(this);
  drop();
}

void SimSubscription::drop() {
  if (wire_) wire_->client = nullptr;
  wire_.reset();
  for (const auto& stray : strays_) stray->client = nullptr;
  strays_.clear();
}

void SimSubscription::connect() {
  connect_timer_->set(machine_.loop().now() + world_.between(100ms, 1s));
  if (machine_.is_cut() || !world_.is_redis_up()) return;
  drop();
  // The greeting: the server knows us from its arrival on, we know when the confirmation is back.
  world_.at(world_.now() + world_.delay(), [this, &world = world_, machine = &machine_, guard = std::weak_ptr(alive_)] {
    if (guard.expired() || machine->is_cut()) return;
    world.serve([this, guard] {
      if (guard.expired()) return;
      drop();
      wire_ = std::make_shared<Wire>();
      wire_->client = this;
      deliver(wire_, world_.delay(), [](SimSubscription& self) {
        self.connect_timer_->cancel();
        self.is_subscribed_ = self.was_told_ = true;
        self.ping_timer_->set(self.machine_.loop().now() + 1s);
        self.listener_.on_subscribed();
      });
    });
  });
}

void SimSubscription::deliver(const std::shared_ptr<Wire>& wire, base::Duration delay,
                              std::function<void(SimSubscription&)> what) {
  wire->busy = std::max(wire->busy, world_.now() + delay);
  world_.at(wire->busy, [wire, &machine = machine_, what = std::move(what)] {
    if (wire->client == nullptr) return;
    if (machine.is_cut()) wire->is_broken = true;
    if (wire->is_broken) return;
    machine.receive([wire, &machine, what] {
      if (wire->client == nullptr) return;
      wire->client->received_at_ = machine.loop().now();
      what(*wire->client);
    });
  });
}

void SimSubscription::on_published(const std::string& channel, const std::string& message) {
  if (!wire_ || std::find(channels_.begin(), channels_.end(), channel) == channels_.end()) return;
  const auto notify = [channel, message](SimSubscription& self) {
    if (self.is_subscribed_) self.listener_.on_message(channel, message);
  };
  if (!world_.is_hostile) return deliver(wire_, world_.delay(), notify);
  if (world_.chance(10)) return;
  const base::Duration late = world_.chance(10) ? world_.between(1ms, 2s) : world_.delay();
  const int times = world_.chance(10) ? 2 : 1;
  for (int i = 0; i < times; ++i) {
    const auto own = std::make_shared<Wire>();  // in no order with the others
    own->client = this;
    strays_.push_back(own);
    deliver(own, late * (i + 1), notify);
  }
}

void SimSubscription::on_ping() {
  if (!is_subscribed_) return;
  ping_timer_->set(machine_.loop().now() + 1s);
  const base::Instant asked = machine_.loop().now();
  const auto wire = wire_;
  if (wire) {
    world_.at(world_.now() + world_.delay(), [this, wire, guard = std::weak_ptr(alive_)] {
      if (guard.expired() || wire->is_broken || machine_.is_cut()) return;
      world_.serve([this, wire, guard] {
        if (!guard.expired()) deliver(wire, world_.delay(), [](SimSubscription&) {});
      });
    });
  }
  pong_timer_ = machine_.loop().timer([this, asked] {
    if (is_subscribed_ && received_at_ < asked) lose();
  });
  pong_timer_->set(asked + SimLink::kTimeout);
}

void SimSubscription::lose() {
  drop();
  ping_timer_->cancel();
  is_subscribed_ = false;
  connect_timer_->set(machine_.loop().now() + world_.between(20ms, 100ms));
  static const redis::RedisState kAway{.word = redis::RedisState::Word::Degraded, .reason = "reset"};
  if (std::exchange(was_told_, false)) listener_.on_lost(kAway);
}

void SimSubscription::reset() {
  if (is_subscribed_ && !machine_.is_paused()) machine_.receive([this] { lose(); });
}

void SimSubscription::on_server_died() {
  if (!wire_) return;
  wire_->is_broken = true;
  if (machine_.is_cut()) return;
  world_.at(world_.now() + world_.delay(), [this, wire = wire_, guard = std::weak_ptr(alive_)] {
    if (guard.expired()) return;
    machine_.receive([this, wire, guard] {
      if (!guard.expired() && wire_ == wire) lose();
    });
  });
}

}  // namespace holdfast::simulation
