#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "base/random.h"
#include "tests/support/fake_loop.h"
#include "tests/support/lua_redis.h"

namespace holdfast::simulation {

using tests::is_traced;
using tests::LuaRedis;

using namespace std::chrono_literals;

class World;

/// One process with a loop and a clock of its own. Paused it does nothing, and what comes for it waits in the kernel.
class Machine {
 public:
  explicit Machine(World& world);
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  ~Machine();

  tests::FakeLoop& loop() { return loop_; }
  World& world() { return world_; }
  bool is_paused() const { return is_paused_; }
  void pause() { is_paused_ = true; }
  void resume();
  /// From now on nothing passes between it and Redis, without anybody being told so.
  void cut() { is_cut_ = true; }
  void mend() { is_cut_ = false; }
  bool is_cut() const { return is_cut_; }

  /// Runs `event` here, now or when the pause is over.
  void receive(std::function<void()> event);
  /// Its own clock shows the world's time, and what is due has happened.
  void catch_up();

 private:
  World& world_;
  tests::FakeLoop loop_;
  bool is_paused_ = false;
  bool is_cut_ = false;
  std::deque<std::function<void()>> waiting_;
};

/// What a link or a subscription has at the server's end.
class ServerEnd {
 public:
  ServerEnd() = default;
  ServerEnd(const ServerEnd&) = delete;
  ServerEnd& operator=(const ServerEnd&) = delete;
  virtual ~ServerEnd() = default;
  /// The server was killed: the connection is reset.
  virtual void on_server_died() = 0;
  virtual void on_published(const std::string& channel, const std::string& message) = 0;
};

/// Time, chance, the network and the one Redis of a simulation. All that happens follows from the seed.
class World {
 public:
  explicit World(std::uint64_t seed);

  base::Random random;
  LuaRedis redis;
  /// Single messages of channels get lost, come twice, or in another order: worse than TCP allows.
  bool is_hostile = false;
  /// Now and then a packet takes longer than anybody waits.
  bool is_slow = true;

  base::Instant now() const { return now_; }
  std::int64_t redis_ms() const;
  bool chance(unsigned percent) { return random.below(100) < percent; }
  base::Duration between(base::Duration least, base::Duration most);
  /// One way through the network: mostly quick.
  base::Duration delay();

  void at(base::Instant when, std::function<void()> event);
  /// Runs what happens until then; `after_each` is called after each event.
  void run_for(base::Duration time, const std::function<void()>& after_each);

  // The server.
  bool is_redis_up() const { return is_redis_up_; }
  /// Runs it, or lets it wait while the server stands still.
  void serve(std::function<void()> command);
  void hang_redis() { is_redis_hung_ = true; }
  void wake_redis();
  void kill_redis();
  void start_redis() { is_redis_up_ = true; }
  std::uint64_t redis_runs() const { return redis_runs_; }  ///< How often it was killed.
  void add(ServerEnd* end) { ends_.push_back(end); }
  void remove(ServerEnd* end) { std::erase(ends_, end); }

  void add(Machine* machine) { machines_.push_back(machine); }
  void remove(Machine* machine) { std::erase(machines_, machine); }

 private:
  struct Event {
    base::Instant when;
    std::uint64_t number;
    std::function<void()> run;
    bool operator<(const Event& other) const {
      return when != other.when ? when > other.when : number > other.number;  // the earliest on top
    }
  };

  base::Instant now_;
  const base::Instant start_;
  std::priority_queue<Event> events_;
  std::uint64_t last_event_ = 0;
  std::vector<Machine*> machines_;
  std::vector<ServerEnd*> ends_;
  bool is_redis_up_ = true;
  bool is_redis_hung_ = false;
  std::uint64_t redis_runs_ = 0;
  std::deque<std::function<void()>> unserved_;
};

/// The seeds to run: HOLDFAST_SEED=N only that one; else `count` of them, from 1 on, or as many as HOLDFAST_SEEDS says;
/// of these HOLDFAST_PART=K/N every N-th, from the K-th on. Each failing seed is printed with what replays it; returns
/// how many failed.
int run_seeds(std::uint64_t count, const char* test, const std::function<void(std::uint64_t)>& run);

/// A property that does not hold in the seed under way: thrown by the simulations, caught by run_seeds.
struct Broken {
  std::string what;
};
void must(bool holds, const std::string& what);

}  // namespace holdfast::simulation
