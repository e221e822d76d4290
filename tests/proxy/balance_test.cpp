#include "proxy/balance.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <vector>

using namespace holdfast;
using namespace holdfast::proxy;
using conf::BackendId;
using conf::BalanceMethod;
using health::State;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr base::Instant kNow{std::chrono::hours{10}};

struct Spec {
  std::string name;
  std::uint32_t weight = 1;
  State state = State::Up;
  bool suspect = false;
  bool backup = false;
  std::uint32_t max_requests = 0;
  std::uint32_t in_flight = 0;
  bool has_sessions_max = false;
};

/// One pool behind another one, so that ids do not begin at 0.
struct Fixture {
  explicit Fixture(BalanceMethod method, const std::vector<Spec>& specs, std::uint64_t seed = 1)
      : loads(specs.size() + 1), balancer(conf::PoolId{1}, seed) {
    settings.pools.resize(2);
    settings.pools[0].backend_count = 1;
    conf::Pool& pool = settings.pools[1];
    pool.id = conf::PoolId{1};
    pool.name = "shop";
    pool.balance = method;
    pool.first_backend = BackendId{1};
    pool.backend_count = static_cast<std::uint32_t>(specs.size());
    settings.backends.resize(1);
    view.backends.resize(1);
    for (const Spec& spec : specs) {
      conf::Backend backend;
      backend.id = BackendId{static_cast<std::uint32_t>(settings.backends.size())};
      backend.pool = pool.id;
      backend.name = spec.name;
      backend.weight = spec.weight;
      backend.backup = spec.backup;
      backend.max_requests = spec.max_requests;
      loads[settings.backends.size()].in_flight = spec.in_flight;
      loads[settings.backends.size()].has_sessions_max = spec.has_sessions_max;
      settings.backends.push_back(backend);
      view.backends.push_back({.state = spec.state, .suspect = spec.suspect});
    }
    update();
  }

  void update() { balancer.update(settings, view); }
  health::Verdict& verdict(std::size_t number) { return view.backends[number + 1]; }
  BackendLoad& load(std::size_t number) { return loads[number + 1]; }
  static BackendId id(std::size_t number) { return BackendId{static_cast<std::uint32_t>(number + 1)}; }

  /// The chosen one's number in the pool, -1: none.
  int choose(std::uint64_t hash = 0, const std::vector<BackendId>& exclude = {}) {
    const auto chosen =
        balancer.choose({.now = now, .hash = hash, .exclude = exclude, .for_session = true, .loads = loads});
    return chosen ? static_cast<int>(conf::index(*chosen)) - 1 : -1;
  }
  std::string name(int number) const {
    return number < 0 ? "-" : settings.backends[static_cast<std::size_t>(number) + 1].name;
  }
  /// How often each backend is chosen for `times` requests that do not overlap, each with a hash of its own.
  std::vector<int> distribution(int times, const std::vector<BackendId>& exclude = {}) {
    std::vector<int> counts(settings.pools[1].backend_count);
    for (int i = 0; i < times; ++i) {
      const int chosen = choose(base::Random::mix(static_cast<std::uint64_t>(i)), exclude);
      if (chosen >= 0) ++counts[static_cast<std::size_t>(chosen)];
    }
    return counts;
  }

  conf::Settings settings;
  health::View view;
  Loads loads;
  Balancer balancer;
  base::Instant now = kNow;
};

constexpr BalanceMethod kAll[] = {BalanceMethod::RoundRobin, BalanceMethod::LeastRequests, BalanceMethod::RandomTwo,
                                  BalanceMethod::Hash, BalanceMethod::Failover};
constexpr BalanceMethod kSpreading[] = {BalanceMethod::RoundRobin, BalanceMethod::LeastRequests,
                                        BalanceMethod::RandomTwo, BalanceMethod::Hash};

/// Within five standard deviations of a binomial draw.
bool is_about(int count, int times, double share) {
  return std::abs(count - times * share) <= 5 * std::sqrt(times * share * (1 - share)) + 1;
}

std::string who_is_asked(Fixture& f, const std::vector<BackendId>& exclude = {}) {
  const auto counts = f.distribution(400, exclude);
  std::string names;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > 0) names += f.name(static_cast<int>(i));
  }
  return names.empty() ? "-" : names;
}

std::vector<Spec> many(std::size_t count) {
  std::vector<Spec> specs;
  for (std::size_t i = 0; i < count; ++i) specs.push_back({.name = "app" + std::to_string(i)});
  return specs;
}

}  // namespace

TEST_CASE("every method but failover spreads requests by weight") {
  constexpr int kTimes = 20'000;
  for (const auto& weights : std::vector<std::vector<std::uint32_t>>{{1}, {1, 1, 1}, {3, 1}, {5, 0, 3, 2}, {1, 100}}) {
    double sum = 0;
    std::vector<Spec> specs;
    for (const std::uint32_t weight : weights) {
      sum += weight;
      specs.push_back({.name = std::string(1, static_cast<char>('a' + specs.size())), .weight = weight});
    }
    for (const BalanceMethod method : kSpreading) {
      INFO("method " << static_cast<int>(method) << ", " << weights.size() << " backends");
      Fixture f(method, specs);
      const auto counts = f.distribution(kTimes);
      for (std::size_t i = 0; i < counts.size(); ++i) CHECK(is_about(counts[i], kTimes, weights[i] / sum));
    }
  }
}

TEST_CASE("who is asked, when some are suspect, sick, backups, without weight") {
  struct Row {
    const char* why;
    std::vector<Spec> specs;
    std::string spread;
    std::string failover;
  };
  const Row rows[] = {
      {"nobody", {}, "-", "-"},
      {"only UP takes new ones",
       {{.name = "s", .state = State::Starting},
        {.name = "i", .state = State::Sick},
        {.name = "d", .state = State::Draining},
        {.name = "m", .state = State::Maint},
        {.name = "x", .state = State::Down},
        {.name = "u"}},
       "u",
       "u"},
      {"none is UP", {{.name = "d", .state = State::Draining}, {.name = "x", .state = State::Down}}, "-", "-"},
      {"the sick serve when nobody else may",
       {{.name = "h", .state = State::Sick}, {.name = "i", .state = State::Sick}, {.name = "x", .state = State::Down}},
       "hi",
       "h"},
      {"a suspect backup before the sick",
       {{.name = "i", .state = State::Sick}, {.name = "b", .suspect = true, .backup = true}},
       "b",
       "b"},
      {"a sick backup last",
       {{.name = "b", .state = State::Sick, .backup = true}, {.name = "i", .state = State::Sick}},
       "i",
       "i"},
      {"weight 0 not even sick", {{.name = "a", .weight = 0, .state = State::Sick}}, "-", "-"},
      {"suspects only when there is nothing else",
       {{.name = "a", .suspect = true}, {.name = "b"}, {.name = "c"}},
       "bc",
       "a"},
      {"all suspect", {{.name = "a", .suspect = true}, {.name = "b", .suspect = true}}, "ab", "a"},
      {"backups wait", {{.name = "a", .backup = true}, {.name = "b"}, {.name = "c"}}, "bc", "b"},
      {"a suspect before a backup", {{.name = "a", .backup = true}, {.name = "b", .suspect = true}}, "b", "b"},
      {"backups step in", {{.name = "a", .state = State::Down}, {.name = "b", .backup = true}}, "b", "b"},
      {"a sound backup before a suspect one",
       {{.name = "a", .suspect = true, .backup = true}, {.name = "b", .backup = true}},
       "b",
       "a"},
      {"weight 0 never", {{.name = "a", .weight = 0}, {.name = "b"}}, "b", "b"},
      {"weight 0 not even alone", {{.name = "a", .weight = 0}, {.name = "b", .state = State::Down}}, "-", "-"},
      {"weight 0 leaves it to a backup", {{.name = "a", .weight = 0}, {.name = "b", .backup = true}}, "b", "b"}};
  for (const Row& row : rows) {
    for (const BalanceMethod method : kAll) {
      INFO(row.why << ", method " << static_cast<int>(method));
      Fixture f(method, row.specs);
      CHECK(who_is_asked(f) == (method == BalanceMethod::Failover ? row.failover : row.spread));
    }
  }
}

TEST_CASE("the one just tried is never chosen again") {
  for (const BalanceMethod method : kAll) {
    INFO("method " << static_cast<int>(method));
    Fixture f(method, {{.name = "a"}, {.name = "b"}, {.name = "c", .backup = true}});
    const bool is_failover = method == BalanceMethod::Failover;
    CHECK(who_is_asked(f) == (is_failover ? "a" : "ab"));
    CHECK(who_is_asked(f, {f.id(0)}) == "b");
    CHECK(who_is_asked(f, {f.id(0), f.id(1)}) == "c");
    CHECK(who_is_asked(f, {f.id(0), f.id(1), f.id(2)}) == "-");
    f.load(1).in_flight = 1'000;
    CHECK(who_is_asked(f, {f.id(0)}) == "b");
  }
}

TEST_CASE("full backends are passed over while others have room") {
  struct Row {
    const char* why;
    std::vector<Spec> specs;
    std::string spread;
    std::string failover;
  };
  const Row rows[] = {
      {"one is full", {{.name = "a", .max_requests = 5, .in_flight = 5}, {.name = "b"}, {.name = "c"}}, "bc", "a"},
      {"one place left", {{.name = "a", .max_requests = 5, .in_flight = 4}}, "a", "a"},
      {"over the limit, after a reload",
       {{.name = "a", .max_requests = 5, .in_flight = 9}, {.name = "b", .max_requests = 5, .in_flight = 4}},
       "b",
       "a"},
      {"one has all its sessions", {{.name = "a", .has_sessions_max = true}, {.name = "b"}, {.name = "c"}}, "bc", "a"},
      {"all have: who has to move is served",
       {{.name = "a", .has_sessions_max = true}, {.name = "b", .has_sessions_max = true}},
       "ab",
       "a"},
      {"all have, and one is busy: the other",
       {{.name = "a", .max_requests = 1, .in_flight = 1, .has_sessions_max = true},
        {.name = "b", .has_sessions_max = true}},
       "b",
       "a"},
      {"all full: one is chosen, and the request queues, rather than on a backup",
       {{.name = "a", .max_requests = 1, .in_flight = 1}, {.name = "b", .backup = true}},
       "a",
       "a"},
      {"all full: rather than on a suspect",
       {{.name = "a", .max_requests = 1, .in_flight = 1}, {.name = "b", .suspect = true}},
       "a",
       "a"}};
  for (const Row& row : rows) {
    for (const BalanceMethod method : kAll) {
      INFO(row.why << ", method " << static_cast<int>(method));
      Fixture f(method, row.specs);
      CHECK(who_is_asked(f) == (method == BalanceMethod::Failover ? row.failover : row.spread));
    }
  }
}

TEST_CASE("round robin: in the file's order, and heavy ones evenly between") {
  struct Row {
    std::vector<std::uint32_t> weights;
    std::string want;
  };
  for (const Row& row : {Row{{1, 1, 1}, "abcabcabc"}, Row{{2, 1}, "abaabaaba"}, Row{{1, 1}, "abababab"}}) {
    std::vector<Spec> specs;
    for (const std::uint32_t weight : row.weights)
      specs.push_back({.name = std::string(1, static_cast<char>('a' + specs.size())), .weight = weight});
    Fixture f(BalanceMethod::RoundRobin, specs);
    std::string got;
    for (std::size_t i = 0; i < 3 * row.want.size(); ++i) got += f.name(f.choose());
    INFO(got);
    CHECK(got.find(row.want) != std::string::npos);  // wherever this worker began
  }
  Fixture f(BalanceMethod::RoundRobin, {{.name = "a", .weight = 5}, {.name = "b"}, {.name = "c"}});
  std::string got;
  for (int i = 0; i < 700; ++i) got += f.name(f.choose());
  CHECK(got.find("aaaaa") == std::string::npos);
  CHECK(std::count(got.begin(), got.end(), 'a') == 500);
}

TEST_CASE("round robin: workers begin at different backends") {
  std::vector<int> first(4);
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    Fixture f(BalanceMethod::RoundRobin, many(4), seed);
    ++first[static_cast<std::size_t>(f.choose())];
  }
  for (const int count : first) CHECK(is_about(count, 400, 0.25));
}

TEST_CASE("round robin: an update that changes nothing here keeps whose turn it is; a full one saves up no turns") {
  Fixture f(BalanceMethod::RoundRobin, many(5));
  std::vector<int> counts(5);
  for (int i = 0; i < 1'000; ++i) {
    f.view.backends[0].suspect = i % 2 == 0;  // the other pool's
    f.view.version++;
    f.update();
    ++counts[static_cast<std::size_t>(f.choose())];
  }
  for (const int count : counts) CHECK(count == 200);

  Fixture g(BalanceMethod::RoundRobin,
            {{.name = "a", .max_requests = 1, .in_flight = 1}, {.name = "b"}, {.name = "c"}});
  CHECK(g.distribution(300) == std::vector<int>{0, 150, 150});
  g.load(0).in_flight = 0;
  const auto after = g.distribution(30);
  CHECK(after[0] <= 11);
}

TEST_CASE("least requests: the least busy for its weight") {
  struct Row {
    const char* why;
    std::vector<Spec> specs;
    std::string want;
  };
  const Row rows[] = {
      {"the idle one", {{.name = "a", .in_flight = 1}, {.name = "b"}, {.name = "c", .in_flight = 2}}, "b"},
      {"ties by chance",
       {{.name = "a", .in_flight = 3}, {.name = "b", .in_flight = 3}, {.name = "c", .in_flight = 4}},
       "ab"},
      {"twice the weight, less than twice the load",
       {{.name = "a", .weight = 2, .in_flight = 4}, {.name = "b", .in_flight = 3}},
       "a"},
      {"twice the weight, more than twice the load",
       {{.name = "a", .weight = 2, .in_flight = 8}, {.name = "b", .in_flight = 3}},
       "b"},
      {"a tie over weights", {{.name = "a", .weight = 2, .in_flight = 5}, {.name = "b", .in_flight = 2}}, "ab"}};
  for (const Row& row : rows) {
    INFO(row.why);
    Fixture f(BalanceMethod::LeastRequests, row.specs);
    CHECK(who_is_asked(f) == row.want);
  }
  Fixture f(BalanceMethod::LeastRequests,
            {{.name = "a", .in_flight = 2}, {.name = "b", .in_flight = 2}, {.name = "c", .in_flight = 2}});
  for (const int count : f.distribution(3'000)) CHECK(is_about(count, 3'000, 1.0 / 3));
}

TEST_CASE("least requests: of a thousand the busy half is hardly ever chosen, and a full crowd is got through") {
  Fixture f(BalanceMethod::LeastRequests, many(1'000));
  for (std::size_t i = 0; i < 1'000; ++i) f.load(i).in_flight = i % 2 == 0 ? 10 : 2;
  const auto counts = f.distribution(10'000);
  int busy = 0;
  for (std::size_t i = 0; i < 1'000; i += 2) busy += counts[i];
  CHECK(busy < 5);  // 16 samples all in the busy half: 10'000 / 2^16 expected

  std::vector<Spec> full = many(1'000);
  for (Spec& spec : full) spec.max_requests = spec.in_flight = 1;
  full[777].in_flight = 0;
  Fixture g(BalanceMethod::LeastRequests, full);
  CHECK(who_is_asked(g) == "app777");
}

TEST_CASE("random two: the busiest of three is avoided unless drawn alone, the idle one preferred") {
  Fixture f(BalanceMethod::RandomTwo, {{.name = "a", .in_flight = 9}, {.name = "b", .in_flight = 5}, {.name = "c"}});
  const auto counts = f.distribution(9'000);
  CHECK(counts[0] < 150);                              // only when five draws in a row are this one: 1/81 of a third
  CHECK(is_about(counts[1], 9'000, 1.0 / 3) == true);  // when c was not drawn
  CHECK(counts[2] > 5'500);
}

TEST_CASE("hash: a backend that goes or comes moves only its own share") {
  constexpr int kKeys = 20'000;
  for (const bool weighted : {false, true}) {
    std::vector<Spec> specs = many(10);
    if (weighted)
      for (std::size_t i = 0; i < specs.size(); ++i) specs[i].weight = 1 + static_cast<std::uint32_t>(i % 3);
    double sum = 0;
    for (const Spec& spec : specs) sum += spec.weight;
    Fixture all(BalanceMethod::Hash, specs, 1);
    Fixture without(BalanceMethod::Hash, specs, 2);
    without.verdict(4).state = State::Down;
    without.update();
    int moved = 0;
    for (int i = 0; i < kKeys; ++i) {
      const std::uint64_t key = base::Random::mix(static_cast<std::uint64_t>(i) + 77);
      const int before = all.choose(key);
      const int after = without.choose(key);
      CHECK(all.choose(key) == before);
      if (before != 4) REQUIRE(after == before);
      moved += before == 4;
    }
    CHECK(is_about(moved, kKeys, specs[4].weight / sum));
  }
}

TEST_CASE("hash: the same on every proxy: names decide, not order, seed, or who else is in the file") {
  std::vector<Spec> specs = many(7);
  Fixture one(BalanceMethod::Hash, specs, 1);
  std::reverse(specs.begin(), specs.end());
  Fixture other(BalanceMethod::Hash, specs, 2);
  for (std::uint64_t i = 0; i < 2'000; ++i) {
    const std::uint64_t key = base::Random::mix(i);
    REQUIRE(one.name(one.choose(key)) == other.name(other.choose(key)));
  }
  // Fixed for all versions: proxies of two versions stand side by side during an upgrade.
  std::string got;
  for (std::uint64_t i = 0; i < 12; ++i) got += one.name(one.choose(base::Random::mix(i))).back();
  CHECK(got == "325000262206");
}

TEST_CASE("choosing by hash is there for every method, and keeps failover's order") {
  for (const BalanceMethod method : kAll) {
    INFO("method " << static_cast<int>(method));
    Fixture f(method, many(5));
    Fixture hash(BalanceMethod::Hash, many(5));
    for (std::uint64_t i = 0; i < 100; ++i) {
      const std::uint64_t key = base::Random::mix(i);
      const auto chosen = f.balancer.choose_by_hash({.now = f.now, .hash = key, .loads = f.loads});
      REQUIRE(chosen.has_value());
      CHECK(static_cast<int>(conf::index(*chosen)) - 1 == (method == BalanceMethod::Failover ? 0 : hash.choose(key)));
    }
  }
}

TEST_CASE("slow start: a tenth at first, all of it at the end, for the methods that spread") {
  constexpr int kTimes = 20'000;
  struct Row {
    const char* why;
    base::Duration since;
    bool slow_start;
    double weight;
  };
  const Row rows[] = {
      {"just up", seconds{0}, true, 0.1},     {"another worker's clock is behind", seconds{-1}, true, 0.1},
      {"half way", seconds{5}, true, 0.55},   {"at the end", seconds{10}, true, 1.0},
      {"long ago", seconds{1000}, true, 1.0}, {"up since the proxy's start", seconds{0}, false, 1.0}};
  for (const Row& row : rows) {
    for (const BalanceMethod method : kSpreading) {
      INFO(row.why << ", method " << static_cast<int>(method));
      Fixture f(method, {{.name = "a"}, {.name = "b"}, {.name = "c"}});
      f.verdict(1) = {.state = State::Up, .up_since = kNow - row.since, .slow_start = row.slow_start};
      f.update();
      const double weight = method == BalanceMethod::Hash ? 1.0 : row.weight;
      const auto counts = f.distribution(kTimes);
      CHECK(is_about(counts[1], kTimes, weight / (2 + weight)));
    }
  }
}

TEST_CASE("slow start: under load the new one gets a tenth of the requests in flight") {
  Fixture f(BalanceMethod::LeastRequests, {{.name = "a"}, {.name = "b"}});
  f.verdict(1) = {.state = State::Up, .up_since = kNow, .slow_start = true};
  f.update();
  for (int i = 0; i < 110; ++i) ++f.load(static_cast<std::size_t>(f.choose())).in_flight;
  CHECK(f.load(0).in_flight == 100);
  CHECK(f.load(1).in_flight == 10);
}

TEST_CASE("slow start: all in it at once, and a pool without it") {
  for (const BalanceMethod method : kSpreading) {
    INFO("method " << static_cast<int>(method));
    Fixture f(method, many(3));
    for (std::size_t i = 0; i < 3; ++i) f.verdict(i) = {.state = State::Up, .up_since = kNow, .slow_start = true};
    f.update();
    for (const int count : f.distribution(9'000)) CHECK(is_about(count, 9'000, 1.0 / 3));
    f.verdict(0).slow_start = f.verdict(2).slow_start = false;
    f.settings.pools[1].slow_start = base::Duration::zero();
    f.update();
    for (const int count : f.distribution(9'000)) CHECK(is_about(count, 9'000, 1.0 / 3));
  }
}

TEST_CASE("verdicts that change are followed at the next update") {
  for (const BalanceMethod method : kAll) {
    INFO("method " << static_cast<int>(method));
    Fixture f(method, {{.name = "a"}, {.name = "b"}});
    f.verdict(0).state = State::Down;
    f.update();
    CHECK(who_is_asked(f) == "b");
    f.verdict(1).state = State::Draining;
    f.update();
    CHECK(who_is_asked(f) == "-");
    f.verdict(0).state = State::Up;
    f.update();
    CHECK(who_is_asked(f) == "a");
  }
}

TEST_CASE("what a choice costs, with 3 and with 1000 backends") {
  for (const std::size_t count : {std::size_t{3}, std::size_t{1'000}}) {
    for (const BalanceMethod method : kAll) {
      std::vector<Spec> specs = many(count);
      for (std::size_t i = 0; i < count; ++i) specs[i].weight = 1 + static_cast<std::uint32_t>(i % 3);
      Fixture f(method, specs);
      constexpr int kTimes = 500;
      base::Duration best = seconds{1};  // of several tries: the machine has other work too
      int none = 0;
      for (std::uint64_t round = 0; round < 20; ++round) {
        const auto from = std::chrono::steady_clock::now();
        for (std::uint64_t i = 0; i < kTimes; ++i) {
          const Ask ask{.now = f.now, .hash = base::Random::mix(round * kTimes + i), .loads = f.loads};
          if (!f.balancer.choose(ask)) ++none;
        }
        best = std::min<base::Duration>(best, (std::chrono::steady_clock::now() - from) / kTimes);
      }
      CHECK(none == 0);
      CHECK(best < milliseconds{1});
      MESSAGE(count << " backends, method " << static_cast<int>(method) << ": " << best.count() << " ns");
    }
  }
}
