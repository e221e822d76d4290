// Several proxies agree on health, a leader and operators' orders, and everything goes wrong that may.
//
// Real: cluster/ (member, roster, agreement, isolation, lease, orders), health/monitor, the scripts. Played: network,
// Redis' data, the backends, time.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/log.h"
#include "cluster/member.h"
#include "tests/simulation/sim_link.h"
#include "tests/support/fake_net.h"
#include "tests/support/temp_dir.h"

using namespace holdfast;
using namespace holdfast::simulation;

namespace {

using health::OperatorState;
using health::State;

constexpr std::size_t kProxies = 3;
constexpr std::size_t kBackends = 3;
constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

std::shared_ptr<const conf::Settings> make_settings(const std::string& state_dir) {
  auto settings = std::make_shared<conf::Settings>();
  conf::Pool pool;
  pool.name = "shop";
  pool.backend_count = kBackends;
  settings->pools = {pool};
  for (std::uint32_t i = 0; i < kBackends; ++i) {
    settings->backends.push_back({.id = conf::BackendId{i},
                                  .name = fmt::format("app{}", i),
                                  .address = {"127.0.0.1", static_cast<std::uint16_t>(1000 + i)}});
  }
  settings->redis.prefix = "h";
  settings->server.state_dir = state_dir;
  return settings;
}

/// One process: its ways to the backends, its monitor, its member.
struct TestProxy final : health::Monitor::Listener, cluster::OperatorStates::Listener {
  TestProxy(World& world, std::size_t number, std::uint64_t instance, const std::string& state_dir)
      : machine(world), settings(make_settings(state_dir)), net(machine.loop()), link(machine, [this] {
          if (member) member->on_link_changed();
        }) {
    std::vector<net::Address> addresses;
    for (std::size_t i = 0; i < kBackends; ++i) {
      addresses.push_back(tests::fake_address(settings->backends[i].address.port));
      way(i).responds_with(kOk);
    }
    monitor = std::make_unique<health::Monitor>(settings, addresses, machine.loop(), net, base::Random(instance),
                                                static_cast<health::Monitor::Listener&>(*this));
    orders = std::make_unique<cluster::OperatorStates>(settings->server.state_dir, machine.loop(), &link, "h",
                                                       static_cast<cluster::OperatorStates::Listener&>(*this));
    member =
        std::make_unique<cluster::Member>(cluster::Member::Parts{settings, machine.loop(), link, *monitor, *orders},
                                          fmt::format("n{}", number), std::to_string(instance));
    orders->load();
    monitor->start();
    member->start();
    subscription = std::make_unique<SimSubscription>(machine, std::vector<std::string>{member->channel()}, *member);
  }

  tests::FakeServer& way(std::size_t i) { return net.at(static_cast<std::uint16_t>(1000 + i)); }
  State state(std::size_t i) const { return view->of(conf::BackendId{static_cast<std::uint32_t>(i)}).state; }

  void on_view(std::shared_ptr<const health::View> published) override { view = std::move(published); }
  void on_observation(conf::BackendId backend) override {
    if (member) member->on_observation(backend);
  }
  void on_order(std::string_view backend, const health::OperatorOrder& order) override {
    for (const conf::Backend& one : settings->backends) {
      if ("shop/" + one.name == backend) monitor->set_operator_state(one.id, order);
    }
  }

  Machine machine;
  std::shared_ptr<const conf::Settings> settings;
  tests::FakeDialer net;
  SimLink link;
  std::shared_ptr<const health::View> view;
  std::unique_ptr<health::Monitor> monitor;
  std::unique_ptr<cluster::OperatorStates> orders;
  std::unique_ptr<cluster::Member> member;
  std::unique_ptr<SimSubscription> subscription;
};

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed) : world(seed) {
    base::log_setup(base::LogLevel::Error, base::LogFormat::Text);
    world.is_hostile = seed % 4 == 0;
    for (std::size_t i = 0; i < kProxies; ++i) {
      proxies_.push_back(std::make_unique<TestProxy>(world, i, ++last_instance_, dirs_[i].path().string()));
    }
  }

  void run() {
    run_for(4s);
    const int moments = 15 + static_cast<int>(world.random.below(20));
    for (int i = 0; i < moments; ++i) {
      act();
      run_for(world.between(1ms, 1500ms));
    }
    heal();
    check_agreement();
  }

  World world;

 private:
  void run_for(base::Duration time) {
    world.run_for(time, [this] { check(); });
  }

  void act() {
    const std::size_t number = world.random.below(kProxies);
    TestProxy& proxy = *proxies_[number];
    const std::size_t backend = world.random.below(kBackends);
    const auto what = world.random.below(20);
    if (is_traced())
      std::fprintf(stderr, "event %d: n%d, app%d\n", static_cast<int>(what), static_cast<int>(number),
                   static_cast<int>(backend));
    switch (what) {
      case 0:
      case 1:
        return proxy.machine.cut();
      case 2:
      case 3:
      case 4:
        return proxy.machine.mend();
      case 5:
      case 6:
        return proxy.machine.pause();
      case 7:
      case 8:
        return proxy.machine.resume();
      case 9:
        return world.hang_redis();
      case 10:
        return world.wake_redis();
      case 11:
        if (!world.chance(50)) return world.wake_redis();
        world.kill_redis();
        world.at(world.now() + world.between(10ms, 2s), [this] { world.start_redis(); });
        return;
      case 12:
        return reborn(number);
      case 13:
        if (!proxy.machine.is_paused()) proxy.subscription->reset();
        return;
      case 14:
        for (auto& each : proxies_) each->way(backend).dies();  // a backend
        return;
      case 15:
        proxy.way(backend).dies();  // a way to it
        return;
      case 16:
      case 17:
        for (auto& each : proxies_) revive(each->way(backend));
        return;
      default:
        return order(proxy, backend);
    }
  }

  static void revive(tests::FakeServer& way) {
    way.accepts();
    way.responds_with(kOk);
  }

  void order(TestProxy& proxy, std::size_t backend) {
    if (proxy.machine.is_paused()) return;
    constexpr OperatorState kStates[] = {OperatorState::Ready, OperatorState::Drain, OperatorState::Maint};
    const OperatorState state = kStates[world.random.below(3)];
    proxy.machine.receive([&] {
      const auto said = proxy.orders->set(fmt::format("shop/app{}", backend), state, "sim", std::nullopt);
      must(said.has_value(), "an order is kept");
    });
  }

  /// kill -9 and a new start with the same state directory.
  void reborn(std::size_t number) {
    proxies_[number].reset();
    proxies_[number] = std::make_unique<TestProxy>(world, number, ++last_instance_, dirs_[number].path().string());
    fences_[number] = 0;
  }

  void heal() {
    world.wake_redis();
    world.start_redis();
    world.is_hostile = world.is_slow = false;
    for (auto& proxy : proxies_) {
      proxy->machine.mend();
      proxy->machine.resume();
      proxy->subscription->reset();
      for (std::size_t i = 0; i < kBackends; ++i) revive(proxy->way(i));
    }
    // A lease, the pauses of reconnections, and probes enough to rise.
    run_for(20s);
  }

  void check() {
    for (std::size_t i = 0; i < kProxies; ++i) {
      const cluster::Member& member = *proxies_[i]->member;
      must(member.fence() >= fences_[i], fmt::format("n{}: the fencing number falls", i));
      fences_[i] = member.fence();
      if (proxies_[i]->machine.is_paused() || !member.is_leader()) continue;
      const auto [at, is_new] = leaders_.try_emplace(member.fence(), member.id());
      must(at->second == member.id(),
           fmt::format("{} and {} lead with number {}", at->second, member.id(), member.fence()));
    }
  }

  void check_agreement() {
    std::set<std::string> leaders;
    std::size_t leading = 0;
    const TestProxy& first = *proxies_[0];
    for (const auto& proxy : proxies_) {
      const std::string& id = proxy->member->id();
      must(proxy->member->is_together(),
           "after healing " + id + " is with the others: " + proxy->member->alone_because());
      must(proxy->member->roster().others().size() == kProxies - 1, "after healing " + id + " knows all others");
      must(proxy->member->isolation().standing() == cluster::Standing::InTouch, "after healing " + id + " is in touch");
      leaders.insert(proxy->member->leader());
      leading += proxy->member->is_leader() ? 1u : 0u;
      must(proxy->orders->book().entries() == first.orders->book().entries(),
           "after healing " + id + " knows the same orders");
      must(proxy->orders->unconfirmed() == 0, "after healing Redis knows the orders of " + id);
      for (std::size_t i = 0; i < kBackends; ++i) {
        must(proxy->state(i) == first.state(i), fmt::format("after healing {} agrees on app{}: {}, not {}", id, i,
                                                            name_of(proxy->state(i)), name_of(first.state(i))));
        must(proxy->state(i) != State::Down && proxy->state(i) != State::Starting,
             fmt::format("after healing {} reaches app{}: {}", id, i, name_of(proxy->state(i))));
      }
    }
    must(leaders.size() == 1 && leading == 1, fmt::format("after healing one leads: {} do", leading));
  }

  std::array<support::TempDir, kProxies> dirs_;
  std::vector<std::unique_ptr<TestProxy>> proxies_;
  std::uint64_t last_instance_ = 0;
  std::array<std::uint64_t, kProxies> fences_{};
  std::map<std::uint64_t, std::string> leaders_;  // who has led with a number
};

}  // namespace

TEST_CASE("cluster: whatever happens, one leads, orders are kept, and in the end all agree") {
  CHECK(run_seeds(1000, "cluster*", [](std::uint64_t seed) { Simulation(seed).run(); }) == 0);
}
