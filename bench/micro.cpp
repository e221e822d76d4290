// What the parts of a request cost by themselves: ./dev bench micro
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "health/view.h"
#include "http/h1_parser.h"
#include "proxy/balance.h"
#include "proxy/forward_headers.h"
#include "sessions/cookie.h"
#include "sessions/memory_store.h"

namespace {

using namespace holdfast;

const std::string kHead =
    "GET /app/orders/2026/list?page=3&sort=date HTTP/1.1\r\nHost: shop.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate\r\nReferer: http://shop.example.com/app/orders/2026/list?page=2\r\n"
    "Cookie: theme=dark; holdfast=AUF20RlnjP54MMgCXBFt_djEUDDr6z_iGQAAAAFrAEp2c_WvZmGl_V7UnXjHkTOezw; lang=en\r\n"
    "Upgrade-Insecure-Requests: 1\r\nSec-Fetch-Mode: navigate\r\nPriority: u=0, i\r\n\r\n";

const sessions::Keyring& keyring() {
  static const sessions::Keyring instance("a secret of benchmarks");
  return instance;
}

void head_parse(benchmark::State& state) {
  http::RequestHead head;
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(http::parse_request_head(kHead, 0, {}, head).consumed);
}
BENCHMARK(head_parse);

void forward_head(benchmark::State& state) {
  http::RequestHead head;
  (void)http::parse_request_head(kHead, 0, {}, head);
  proxy::ForwardContext context;
  context.peer = "192.0.2.17";
  context.own_cookie = "holdfast";
  std::string out;
  for ([[maybe_unused]] auto _ : state) {
    out.clear();
    proxy::append_request_head(out, head, context);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(forward_head);

void session_lookup(benchmark::State& state) {
  const base::Instant now = std::chrono::steady_clock::now();
  sessions::MemoryStore store({.sessions_max = 2'000'000, .seed = 7, .start = now});
  const auto count = static_cast<std::uint64_t>(state.range(0));
  const auto key = [](std::uint64_t i) { return sessions::Key{base::Random::mix(i), base::Random::mix(~i)}; };
  for (std::uint64_t i = 0; i < count; ++i) store.bind(key(i), {sessions::BackendTag{1}, sessions::Generation{1}}, now);
  base::Random random(1);
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(store.find(key(random.below(count)), now));
}
BENCHMARK(session_lookup)->Arg(100)->Arg(1'000'000);

void cookie_make(benchmark::State& state) {
  const sessions::Ticket ticket{sessions::random_id(), sessions::BackendTag{7}, sessions::Generation{1},
                                base::wall_now()};
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(sessions::seal(ticket, keyring()));
}
BENCHMARK(cookie_make);

void cookie_verify(benchmark::State& state) {
  const std::string cookie = sessions::seal(
      {sessions::random_id(), sessions::BackendTag{7}, sessions::Generation{1}, base::wall_now()}, keyring());
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(sessions::open(cookie, keyring()));
}
BENCHMARK(cookie_verify);

void balance_choice(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(1));
  conf::Settings settings;
  settings.pools.resize(1);
  settings.pools[0].balance = static_cast<conf::BalanceMethod>(state.range(0));
  settings.pools[0].backend_count = static_cast<std::uint32_t>(count);
  health::View view;
  for (std::size_t i = 0; i < count; ++i) {
    conf::Backend backend;
    backend.id = conf::BackendId{static_cast<std::uint32_t>(i)};
    backend.name = "b" + std::to_string(i);
    settings.backends.push_back(backend);
    view.backends.push_back({.state = health::State::Up, .suspect = false, .up_since = {}, .slow_start = false});
  }
  const proxy::Loads loads(count);
  proxy::Balancer balancer(conf::PoolId{0}, 1);
  balancer.update(settings, view);
  base::Random random(1);
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(balancer.choose({.now = {}, .hash = random.next(), .exclude = {}, .loads = loads}));
  }
}
BENCHMARK(balance_choice)->ArgsProduct({{0, 1, 2, 3, 4}, {3, 50, 1000}})->ArgNames({"method", "backends"});

}  // namespace

BENCHMARK_MAIN();
