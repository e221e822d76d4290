#include "tests/simulation/world.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "base/check.h"

namespace holdfast::simulation {

Machine::Machine(World& world) : world_(world) {
  loop_.jump(world.now() - loop_.now());
  world_.add(this);
}

Machine::~Machine() { world_.remove(this); }

void Machine::catch_up() { loop_.advance(world_.now() - loop_.now()); }

void Machine::receive(std::function<void()> event) {
  if (is_paused_) return waiting_.push_back(std::move(event));
  catch_up();
  event();
  loop_.run();
}

void Machine::resume() {
  if (!std::exchange(is_paused_, false)) return;
  loop_.jump(world_.now() - loop_.now());
  // What has come, or what has become due: the kernel tells in either order.
  if (world_.chance(50)) loop_.run();
  for (auto waiting = std::exchange(waiting_, {}); !waiting.empty(); waiting.pop_front()) {
    waiting.front()();
    loop_.run();
  }
  loop_.run();
}

World::World(std::uint64_t seed)
    : random(seed),
      redis([this] { return redis_ms(); },
            [this](const std::string& channel, const std::string& message) {
              for (ServerEnd* end : ends_) end->on_published(channel, message);
            }),
      now_(base::Instant{} + std::chrono::hours{1000}),
      start_(now_) {}

std::int64_t World::redis_ms() const { return 1'800'000'000'000 + base::count_ms(now_ - start_); }

base::Duration World::between(base::Duration least, base::Duration most) {
  return least + base::Duration{
                     static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>((most - least).count()) + 1))};
}

base::Duration World::delay() {
  if (is_slow && chance(3)) return between(1ms, 150ms);
  return between(50us, 1ms);
}

void World::at(base::Instant when, std::function<void()> event) {
  events_.push({std::max(when, now_), ++last_event_, std::move(event)});
}

void World::run_for(base::Duration time, const std::function<void()>& after_each) {
  const base::Instant until = now_ + time;
  for (;;) {
    Machine* next = nullptr;
    base::Instant when = until;
    if (!events_.empty() && events_.top().when <= when) when = events_.top().when;
    for (Machine* machine : machines_) {
      if (machine->is_paused()) continue;
      const auto due = machine->loop().next_due();
      if (due && *due < when) {
        when = *due;
        next = machine;
      }
    }
    now_ = std::max(now_, when);
    if (next != nullptr) {
      next->catch_up();
    } else if (!events_.empty() && events_.top().when <= now_) {
      const auto run = events_.top().run;
      events_.pop();
      run();
    } else {
      break;
    }
    after_each();
  }
  for (Machine* machine : machines_) {
    if (!machine->is_paused()) machine->catch_up();
  }
}

void World::serve(std::function<void()> command) {
  if (!is_redis_up_) return;
  if (is_redis_hung_) return unserved_.push_back(std::move(command));
  command();
}

void World::wake_redis() {
  is_redis_hung_ = false;
  for (auto waiting = std::exchange(unserved_, {}); !waiting.empty(); waiting.pop_front()) serve(waiting.front());
}

void World::kill_redis() {
  is_redis_up_ = is_redis_hung_ = false;
  ++redis_runs_;
  unserved_.clear();
  redis.lose_all();
  const auto ends = ends_;
  for (ServerEnd* end : ends) end->on_server_died();
}

namespace {

struct Seeds {
  std::uint64_t first;
  std::uint64_t last;
  std::uint64_t step;
};

Seeds seeds_of(std::uint64_t count) {
  if (const char* only = std::getenv("HOLDFAST_SEED")) {
    const std::uint64_t seed = std::strtoull(only, nullptr, 10);
    return {seed, seed, 1};
  }
  if (const char* wished = std::getenv("HOLDFAST_SEEDS")) count = std::strtoull(wished, nullptr, 10);
  Seeds seeds{1, count, 1};
  if (const char* part = std::getenv("HOLDFAST_PART")) {
    char* rest = nullptr;
    seeds.first = std::strtoull(part, &rest, 10);
    base::check(*rest == '/', "HOLDFAST_PART is K/N");
    seeds.step = std::strtoull(rest + 1, nullptr, 10);
    base::check(seeds.first > 0 && seeds.step >= seeds.first, "HOLDFAST_PART is a part of the whole");
  }
  return seeds;
}

}  // namespace

int run_seeds(std::uint64_t count, const char* test, const std::function<void(std::uint64_t)>& run) {
  const Seeds seeds = seeds_of(count);
  int failed = 0;
  for (std::uint64_t seed = seeds.first; seed <= seeds.last; seed += seeds.step) {
    try {
      run(seed);
    } catch (const Broken& broken) {
      ++failed;
      std::fprintf(stderr, "seed %llu: %s\n  replay: HOLDFAST_SEED=%llu build/asan/test_simulation -tc='%s'\n",
                   static_cast<unsigned long long>(seed), broken.what.c_str(), static_cast<unsigned long long>(seed),
                   test);
      if (failed == 10) return failed;  // enough to see
    }
  }
  return failed;
}

void must(bool holds, const std::string& what) {
  if (!holds) throw Broken{what};
}

}  // namespace holdfast::simulation
