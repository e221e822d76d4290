// Several proxies share the session map, and everything goes wrong that may: what was agreed holds all the same.
//
// Real: sessions/ (stores, copies, acks, registry), proxy/placement, the scripts. Played: network, Redis' data,
// time.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <deque>
#include <optional>

#include "proxy/placement.h"
#include "sessions/order.h"
#include "tests/simulation/session_proxy.h"

using namespace holdfast;
using namespace holdfast::simulation;

namespace {

class Simulation;

/// One request through a worker, as an exchange would make it.
class Visit final : public sessions::StoreHandler {
 public:
  enum class Kind : std::uint8_t { Look, Logout };
  Visit(Simulation& simulation, SessionProxy& proxy, SessionProxy::Worker& worker, std::size_t user, Kind kind);

  void start();
  bool is_done() const { return done_; }
  const SessionProxy& proxy() const { return proxy_; }

 private:
  void on_binding(const sessions::BindResult& holds) override;
  void on_admission(sessions::Admission admission) override;
  void on_published() override;
  void on_placed(std::optional<conf::BackendId> backend);
  proxy::Placement::Tools tools();

  Simulation& simulation_;
  SessionProxy& proxy_;
  SessionProxy::Worker& worker_;
  const std::size_t user_;
  const Kind kind_;
  const std::string held_;
  const base::Instant began_;
  base::Instant ending_{};
  proxy::Loads loads_{kBackends};
  sessions::LastCookie last_cookie_;
  proxy::Placement placement_;
  bool done_ = false;
};

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed) : world(seed) {
    world.is_hostile = seed % 4 == 0;
    for (std::size_t i = 0; i < 3; ++i) proxies.push_back(std::make_unique<SessionProxy>(world, i, ++last_instance));
  }
  ~Simulation() { visits.clear(); }

  void run() {
    run_for(2s);
    const int moments = 40 + static_cast<int>(world.random.below(60));
    for (int i = 0; i < moments; ++i) {
      act();
      run_for(world.between(1ms, 300ms));
    }
    heal();
    for (int round = 0; round < 2; ++round) {
      for (auto& proxy : proxies) {
        for (std::size_t user = 0; user < kUsers; ++user) {
          visit(*proxy, user, Visit::Kind::Look);
          run_for(20ms);
        }
      }
      run_for(4s);
    }
    check_agreement();
  }

  void on_served(const SessionProxy& proxy, bool is_alone, std::size_t user, base::Instant began,
                 conf::BackendId backend) {
    const sessions::Key& key = Shop::the().keys[user];
    const auto copy = proxy.memory.look(key, const_cast<SessionProxy&>(proxy).machine.loop().now());
    if (is_alone || world.is_hostile || !copy) return;  // it went by what it had
    const auto tag = Shop::the().snapshot.tag_of(backend);
    must(copy->binding.backend == tag, fmt::format("{} serves user{} elsewhere than its copy says", proxy.name, user));
    // What was ended, and is known to be ended everywhere, is not served.
    if (const auto& ended = ended_[user]; ended && began >= ended->since) {
      must(copy->binding.generation > ended->generation,
           fmt::format("{} serves user{} of generation {}, which was ended with {}", proxy.name, user,
                       static_cast<std::uint32_t>(copy->binding.generation),
                       static_cast<std::uint32_t>(ended->generation)));
    }
    // Nothing is served that was moved away longer ago than a lease lasts.
    const auto& agreed = agreed_[user];
    for (std::size_t i = agreed.size(); i-- > 0;) {
      if (agreed[i].since <= began - kLease) {
        must(!sessions::is_later(key, {agreed[i].tag, agreed[i].generation}, copy->binding),
             fmt::format("{} serves user{} of generation {}, {} was agreed {} ms ago", proxy.name, user,
                         static_cast<std::uint32_t>(copy->binding.generation),
                         static_cast<std::uint32_t>(agreed[i].generation), base::count_ms(began - agreed[i].since)));
        break;
      }
    }
    const auto is_of_this = [&](const Agreed& each) { return each.generation == copy->binding.generation; };
    const auto is_this = [&](const Agreed& each) { return is_of_this(each) && each.tag == tag; };
    must(std::ranges::none_of(agreed, is_of_this) || std::ranges::any_of(agreed, is_this),
         fmt::format("{} serves user{} at app{}, all agreed on another with generation {}", proxy.name, user,
                     conf::index(backend), static_cast<std::uint32_t>(copy->binding.generation)));
  }

  /// An end of `user` is known to all that answer from copies, from now on.
  ///
  /// (Not for the length of a lease after Redis has lost its data: it does not know who hears, and a proxy that is cut
  /// off from the new one does not know that either.)
  void on_known_ended(std::size_t user, Generation generation) {
    if (world.now() - redis_died_ < kLease) return;
    if (!ended_[user] || ended_[user]->generation < generation) ended_[user] = {world.now(), generation, {}};
    world.at(world.now(), [this, user] { look_everywhere(user); });
  }
  /// The generation of the first end that an order given then can have come to.
  std::optional<Generation> mark_since(std::size_t user, base::Instant then) const {
    std::optional<Generation> found;
    for (const Agreed& each : agreed_[user]) {
      const bool is_mark = each.tag == sessions::BackendTag::Ended;
      if (each.since >= then && found) break;
      if (each.since >= then && is_mark) return each.generation;
      if (each.since < then) found = is_mark ? std::optional(each.generation) : std::nullopt;
    }
    return found;
  }

  World world;
  std::vector<std::unique_ptr<SessionProxy>> proxies;
  std::deque<std::unique_ptr<Visit>> visits;

 private:
  void run_for(base::Duration time) {
    world.run_for(time, [this] { check(); });
    std::erase_if(visits, [](const auto& visit) { return visit->is_done(); });
  }

  SessionProxy& any_proxy() { return *proxies[world.random.below(proxies.size())]; }

  void visit(SessionProxy& proxy, std::size_t user, Visit::Kind kind) {
    if (proxy.machine.is_paused()) return;
    auto& worker = proxy.workers[world.random.below(proxy.workers.size())];
    visits.push_back(std::make_unique<Visit>(*this, proxy, worker, user, kind));
    proxy.machine.receive([visit = visits.back().get()] { visit->start(); });
  }

  void look_everywhere(std::size_t user) {
    for (auto& proxy : proxies) visit(*proxy, user, Visit::Kind::Look);
  }

  void act() {
    SessionProxy& proxy = any_proxy();
    const std::size_t user = world.random.below(kUsers);
    const auto what = world.random.below(26);
    if (is_traced())
      std::fprintf(stderr, "event %d: %s, user%d\n", static_cast<int>(what), proxy.name.c_str(),
                   static_cast<int>(user));
    if (what < 10) return harm(what, proxy);
    if (what < 12) return judge_anew(proxy);
    use(what, proxy, user);
  }

  /// Something happens to a machine, the network or Redis.
  void harm(std::uint64_t what, SessionProxy& proxy) {
    switch (what) {
      case 0:
        return proxy.machine.cut();
      case 1:
      case 2:
        return proxy.machine.mend();
      case 3:
        return proxy.machine.pause();
      case 4:
      case 5:
        proxy.machine.resume();
        for (std::size_t each = 0; each < kUsers; ++each) visit(proxy, each, Visit::Kind::Look);
        return;
      case 6:
        return world.chance(40) ? world.hang_redis() : world.wake_redis();
      case 7:
        if (!world.chance(30)) return world.wake_redis();
        world.kill_redis();
        world.at(world.now() + world.between(10ms, 1s), [this] { world.start_redis(); });
        return;
      case 8:
        if (!proxy.machine.is_paused()) proxy.subscription->reset();
        return;
      default:
        if (world.chance(30)) reborn();
    }
  }

  /// Proxies need not see a backend alike, or at the same time.
  void judge_anew(SessionProxy& proxy) {
    auto& verdict = proxy.view.backends[world.random.below(kBackends)];
    verdict.state = world.chance(50) ? health::State::Down : health::State::Up;
    ++proxy.view.version;
  }

  /// Users and operators do something.
  void use(std::uint64_t what, SessionProxy& proxy, std::size_t user) {
    switch (what) {
      case 12:
        return order_end(proxy, user);
      case 13:
        return order_move(proxy, user);
      case 14:
        return visit(proxy, user, Visit::Kind::Logout);
      case 15:
      case 16:
        return end_known_everywhere(user);
      default:
        for (std::uint64_t i = 0; i <= world.random.below(3); ++i) {
          visit(any_proxy(), world.chance(70) ? user : world.random.below(kUsers), Visit::Kind::Look);
        }
    }
  }

  /// What all have copies of ends.
  void end_known_everywhere(std::size_t user) {
    look_everywhere(user);
    const auto kind = world.chance(50) ? Visit::Kind::Logout : Visit::Kind::Look;
    const std::size_t number = world.random.below(proxies.size());
    world.at(world.now() + world.between(1ms, 50ms), [this, number, user, kind] {
      if (kind == Visit::Kind::Logout) return visit(*proxies[number], user, kind);
      order_end(*proxies[number], user);
    });
  }

  void order_end(SessionProxy& proxy, std::size_t user) {
    if (proxy.machine.is_paused()) return;
    const std::uint64_t runs = world.redis_runs();
    proxy.machine.receive([this, &proxy, user, runs, then = world.now()] {
      proxy.registry.end("shop", Shop::the().keys[user],
                         [this, user, runs, then](const base::Result<sessions::Effect>& done) {
                           const bool is_known = done && done->sessions == 1 && done->acked == sessions::Acked::ByAll;
                           if (!is_known || runs != world.redis_runs()) return;
                           if (const auto mark = mark_since(user, then)) on_known_ended(user, *mark);
                         });
    });
  }
  void order_move(SessionProxy& proxy, std::size_t user) {
    if (proxy.machine.is_paused()) return;
    const auto to = Shop::the().snapshot.tags[world.random.below(kBackends)];
    proxy.machine.receive(
        [&] { proxy.registry.move("shop", Shop::the().keys[user], to, [](const base::Result<sessions::Effect>&) {}); });
  }

  /// kill -9 and a new start.
  void reborn() {
    const std::size_t number = world.random.below(proxies.size());
    std::erase_if(visits, [&](const auto& visit) { return &visit->proxy() == proxies[number].get(); });
    for (std::size_t user = 0; user < kUsers; ++user) seen_[number][user] = Generation::None;
    proxies[number].reset();
    proxies[number] = std::make_unique<SessionProxy>(world, number, ++last_instance);
  }

  void heal() {
    world.wake_redis();
    world.start_redis();
    world.is_hostile = world.is_slow = false;
    for (auto& proxy : proxies) {
      proxy->machine.mend();
      proxy->machine.resume();
      for (auto& verdict : proxy->view.backends) verdict.state = health::State::Up;
      ++proxy->view.version;
      proxy->subscription->reset();
    }
    run_for(6s);
  }

  /// After each step.
  void check() {
    if (std::exchange(redis_runs_, world.redis_runs()) != world.redis_runs()) {
      redis_died_ = world.now();
      for (auto& agreed : agreed_) agreed.clear();  // what was agreed is lost; the copies have to do
      ended_ = {};
    }
    const auto& shop = Shop::the();
    const bool is_new = std::exchange(redis_changes_, world.redis.changes()) != world.redis.changes();
    for (std::size_t user = 0; user < kUsers; ++user) {
      if (is_new) {
        if (const auto held = world.redis.get(shop.names[user])) note_agreed(user, *held);
      }
      for (std::size_t i = 0; i < proxies.size(); ++i) {
        const auto copy = proxies[i]->memory.look(shop.keys[user], proxies[i]->machine.loop().now());
        if (!copy) continue;
        must(copy->binding.generation >= seen_[i][user],
             fmt::format("{}: the generation of user{} falls", proxies[i]->name, user));
        seen_[i][user] = copy->binding.generation;
      }
    }
  }

  void note_agreed(std::size_t user, const std::string& text) {
    const auto news =
        sessions::parse_news(sessions::id_text(Shop::the().keys[user]) + " " + text.substr(0, text.rfind(' ')));
    must(news.has_value(), "what Redis holds is read: " + text);
    auto& agreed = agreed_[user];
    if (!agreed.empty()) {
      must(news->binding.generation >= agreed.back().generation,
           fmt::format("Redis: the generation of user{} falls from {} to {}", user,
                       static_cast<std::uint32_t>(agreed.back().generation), text));
      if (news->binding.generation == agreed.back().generation) {
        const sessions::Binding before{agreed.back().tag, agreed.back().generation};
        if (news->binding == before) return;
        must(sessions::is_later(Shop::the().keys[user], news->binding, before),
             fmt::format("Redis: user{} goes back to another backend in one generation", user));
      }
    }
    agreed.push_back({world.now(), news->binding.generation, news->binding.backend});
  }

  void check_agreement() {
    const auto& shop = Shop::the();
    for (std::size_t user = 0; user < kUsers; ++user) {
      must(!agreed_[user].empty(), fmt::format("after healing Redis knows user{}", user));
      const Agreed& holds = agreed_[user].back();
      for (const auto& proxy : proxies) {
        const auto copy = proxy->memory.look(shop.keys[user], proxy->machine.loop().now());
        must(copy && copy->binding == sessions::Binding{holds.tag, holds.generation},
             fmt::format("after healing {} agrees on user{}: it has generation {}, Redis {}", proxy->name, user,
                         copy ? static_cast<std::uint32_t>(copy->binding.generation) : 0,
                         static_cast<std::uint32_t>(holds.generation)));
      }
    }
  }

  std::uint64_t last_instance = 0;
  std::uint64_t redis_runs_ = 0;
  std::uint64_t redis_changes_ = 0;
  base::Instant redis_died_{};
  std::array<std::vector<Agreed>, kUsers> agreed_;
  std::array<std::optional<Agreed>, kUsers> ended_;
  std::array<std::array<Generation, kUsers>, 3> seen_{};
};

Visit::Visit(Simulation& simulation, SessionProxy& proxy, SessionProxy::Worker& worker, std::size_t user, Kind kind)
    : simulation_(simulation),
      proxy_(proxy),
      worker_(worker),
      user_(user),
      kind_(kind),
      held_(Shop::session(user)),
      began_(simulation.world.now()) {}

proxy::Placement::Tools Visit::tools() {
  worker_.balancer.update(*Shop::the().settings, proxy_.view);
  return {.snapshot = Shop::the().snapshot,
          .view = proxy_.view,
          .balancer = worker_.balancer,
          .loads = loads_,
          .store = worker_.store,
          .handler = *this,
          .keyring = Shop::the().keyring,
          .last_cookie = last_cookie_,
          .now = proxy_.machine.loop().now()};
}

void Visit::start() {
  const proxy::Identity who{.kind = proxy::Identity::Kind::AppCookie, .held = held_, .name = "sid"};
  on_placed(placement_.first(tools(), Shop::the().pool(), who, 0));
}

void Visit::on_binding(const sessions::BindResult& holds) {
  on_placed(placement_.answered(tools(), Shop::the().pool(), holds, {}));
}

void Visit::on_admission(sessions::Admission admission) {
  on_placed(placement_.admitted(tools(), Shop::the().pool(), std::move(admission)));
}

void Visit::on_placed(std::optional<conf::BackendId> backend) {
  if (placement_.is_waiting()) return;
  done_ = true;
  if (!backend) return;  // nobody is up: a 503
  simulation_.on_served(proxy_, !worker_.link.is_up(), user_, began_, *backend);
  if (kind_ == Kind::Look) return;
  ending_ = proxy_.machine.loop().now();
  placement_.end(tools(), Shop::the().pool());
  done_ = !placement_.is_publishing();
}

void Visit::on_published() {
  done_ = placement_.published();
  const bool in_time = simulation_.world.now() - ending_ < SimLink::kTimeout;
  // Told in time by a link that works: every proxy that hears has said so.
  if (!in_time || !worker_.link.is_up() || worker_.store.ends_untold() > 0 || simulation_.world.is_hostile) return;
  if (const auto mark = simulation_.mark_since(user_, ending_)) simulation_.on_known_ended(user_, *mark);
}

}  // namespace

TEST_CASE("sessions: whatever happens to the proxies and their Redis, what was agreed holds") {
  CHECK(run_seeds(1200, "sessions*", [](std::uint64_t seed) { Simulation(seed).run(); }) == 0);
}
