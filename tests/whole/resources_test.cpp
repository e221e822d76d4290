// What the proxy holds and spends: nothing leaks, an idle connection is nearly free, a request costs four system calls
// and no allocation.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>

#include <csignal>
#include <map>
#include <random>
#include <sstream>
#include <thread>

#include "base/check.h"
#include "base/text.h"
#include "tests/support/alloc_counter.h"
#include "tests/support/facts.h"
#include "tests/support/fleet.h"

using namespace holdfast::support;

namespace {

// Nothing but the measured requests happens: no probes, no access log.
ProxyConfig quiet(const Fleet& fleet) {
  return {.backends = fleet.configs(), .workers = 1, .probe = "type = \"none\"\n"};
}

/// One of many users of a proxy whose backends die: asks, and judges what comes back.
class RestlessClient {
 public:
  RestlessClient(const Proxy& proxy, int number)
      : client_(proxy.client()), number_(number), chance_(static_cast<unsigned>(number) + 1) {}

  /// Empty, or what must never happen.
  std::string ask(int round) {
    const std::string id = std::to_string(number_) + "-" + std::to_string(round);
    HttpClient::Request request{.target = "/x", .fields = {{"X-Test-Id", id}}};
    if (chance_() % 3 == 0) {
      request.method = "POST";
      request.body.assign(chance_() % 40'000, 'b');
    }
    const Response response = client_.request(request);
    if (chance_() % 10 == 0) client_.close();
    if (response.is_whole(200)) {
      ++served_;
      return response.body.starts_with(id + " ")
                 ? ""
                 : id + " was given an answer that is not its own: " + response.body.substr(0, 20);
    }
    const bool is_lawful = response.end == End::Truncated || response.end == End::Reset || response.status == 502 ||
                           response.status == 503;
    return is_lawful && !response.refused ? "" : id + " saw " + response.text();
  }
  int served() const { return served_; }

 private:
  HttpClient client_;
  int number_;
  std::minstd_rand chance_;
  int served_ = 0;
};

/// System calls by name from the table `strace -c` writes.
std::map<std::string, std::uint64_t> parse_strace(const std::string& table) {
  std::map<std::string, std::uint64_t> calls;
  std::istringstream lines(table);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::vector<std::string> columns;
    for (std::string word; words >> word;) columns.push_back(word);
    if (columns.size() < 5 || columns.back() == "total") continue;  // % seconds usecs/call calls [errors] name
    if (const auto count = holdfast::base::parse_decimal(columns[3])) calls[columns.back()] = *count;
  }
  return calls;
}

/// A zeroed AllocCount in a file that another process maps, too.
class SharedCount {
 public:
  explicit SharedCount(const std::filesystem::path& file) {
    const Fd fd{::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    holdfast::base::check(::ftruncate(fd.get(), sizeof(AllocCount)) == 0, "the counter's file has a size");
    memory_ = ::mmap(nullptr, sizeof(AllocCount), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    holdfast::base::check(memory_ != MAP_FAILED, "the counter's file can be mapped");
  }
  SharedCount(const SharedCount&) = delete;
  SharedCount& operator=(const SharedCount&) = delete;
  ~SharedCount() { ::munmap(memory_, sizeof(AllocCount)); }
  std::uint64_t calls() const { return static_cast<AllocCount*>(memory_)->calls; }

 private:
  void* memory_ = nullptr;
};

std::string two_digits(double value) {
  std::ostringstream out;
  out.precision(2);
  out << std::fixed << value;
  return out.str();
}

}  // namespace

TEST_CASE("200 clients, 4 workers, backends killed and restarted: answers stay true, and nothing is left over") {
  Fleet fleet({"a", "b", "c"});
  fleet.on("*", [](Conversation& c) {
    if (c.read_body() == End::Whole)
      c.respond(200, c.arrival().id + " " + std::string(c.arrival().body_bytes % 5000, '.'));
  });
  ProxyConfig config{.backends = fleet.configs(), .workers = 4};
  config.tables = "[timeouts]\nbackend_idle = \"500ms\"\n";
  Proxy proxy(config);
  const std::size_t descriptors_before = open_descriptors(proxy.pid());

  constexpr int kClients = 200;
  constexpr int kRounds = 25;
  std::atomic<int> running = kClients;
  std::atomic<int> served = 0;
  std::mutex mutex;
  std::vector<std::string> wrong;
  std::vector<std::thread> threads;
  threads.reserve(kClients);
  for (int number = 0; number < kClients; ++number) {
    threads.emplace_back([&, number] {
      RestlessClient client(proxy, number);
      for (int round = 0; round < kRounds; ++round) {
        const std::string what = client.ask(round);
        if (what.empty()) continue;
        const std::lock_guard lock(mutex);
        wrong.push_back(what);
      }
      served += client.served();
      --running;
    });
  }
  for (int kill = 0; running > 0; ++kill) {
    auto& victim = *std::next(fleet.all().begin(), kill % 3);
    victim.crash();
    const auto seen = fleet.count();
    eventually([&] { return running == 0 || fleet.count() > seen + 50; }, Deadline{1s});
    victim.restart();
    eventually([&] { return running == 0 || proxy.backend(victim.name()).value("state", "") == "UP"; });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& text : wrong) FAIL_CHECK(text);
  CHECK(served > kClients * kRounds / 2);

  CHECK(eventually([&] { return proxy.sum("requests_in_flight") == 0; }));
  CHECK(eventually([&] { return open_descriptors(proxy.pid()) <= descriptors_before + fleet.all().size(); }));
  CAPTURE(open_descriptors(proxy.pid()));
  CAPTURE(descriptors_before);
  for (auto& backend : fleet.all()) CHECK(eventually([&] { return backend.open_connections() <= 1; }));  // its probe's
  CHECK(proxy.stop() == 0);  // a sanitizer that found a leak or a race makes this fail
}

TEST_CASE("an idle keep-alive connection holds at most 1 KiB") {
  if (is_sanitized())
    return note_left_to_release("memory of 10,000 idle connections", "a sanitizer's allocator is not the real one");
  constexpr std::size_t kConnections = 10'000;
  REQUIRE(raise_descriptor_limit() > kConnections + 500);
  Fleet fleet({"a"});
  ProxyConfig config = quiet(fleet);
  config.sticky = "mode = \"none\"\n";
  config.tables = "[timeouts]\nclient_idle = \"10m\"\n";
  Proxy proxy(config);
  const auto open_many = [&](std::size_t count) {
    std::vector<HttpClient> clients;
    clients.reserve(count);
    while (clients.size() < count) clients.emplace_back(proxy.port());
    for (auto& client : clients) REQUIRE(client.get("/").is_whole(200));
    return clients;
  };
  open_many(200).clear();
  const std::size_t before = resident_bytes(proxy.pid());
  const auto clients = open_many(kConnections);
  const std::size_t after = resident_bytes(proxy.pid());
  const auto each = static_cast<double>(after - before) / static_cast<double>(kConnections);
  note("an idle connection holds " + two_digits(each) + " bytes (resident, " + std::to_string(kConnections) +
       " of them)");
  CHECK(each <= 1024);
}

TEST_CASE("a small keep-alive request makes 4 system calls besides the wait") {
  if (is_sanitized()) return note_left_to_release("system calls per request", "a sanitizer makes its own");
  Fleet fleet({"a"});
  Proxy proxy(quiet(fleet));
  HttpClient client = proxy.client();
  for (int i = 0; i < 100; ++i) REQUIRE(client.get("/").is_whole(200));
  const TempDir dir;
  const auto table = dir.path() / "calls.txt";
  Process strace({.arguments = {"strace", "-c", "-f", "-p", std::to_string(proxy.pid()), "-o", table.string()},
                  .environment = {}});
  REQUIRE(strace.wait_for_line("attached"));
  constexpr std::uint64_t kRequests = 2000;
  for (std::uint64_t i = 0; i < kRequests; ++i) REQUIRE(client.get("/").is_whole(200));
  strace.signal(SIGINT);
  REQUIRE(strace.wait());
  std::uint64_t sum = 0;
  std::string text;
  for (const auto& [name, count] : parse_strace(read_text(table))) {
    text += " " + name + "=" + std::to_string(count);
    if (!name.starts_with("epoll_") || name == "epoll_ctl") sum += count;
  }
  CAPTURE(text);
  note("system calls of " + std::to_string(kRequests) + " requests:" + text);
  CHECK(sum >= 4 * kRequests);  // less is a measurement gone wrong
  CHECK(sum <= 4 * kRequests + kRequests / 50);
}

TEST_CASE("a small keep-alive request of a known session allocates nothing") {
  if (is_sanitized()) return note_left_to_release("allocations per request", "a sanitizer brings its own allocator");
  const TempDir dir;
  const SharedCount count(dir.path() / "allocations");
  Fleet fleet({"a"});
  Proxy proxy(quiet(fleet), {.environment = {"HOLDFAST_ALLOC_COUNT=" + (dir.path() / "allocations").string(),
                                             "LD_PRELOAD=" HOLDFAST_ALLOC_COUNTER},
                             .wrapper = {}});
  HttpClient client = proxy.client();
  for (int i = 0; i < 500; ++i) REQUIRE(client.get("/").is_whole(200));
  REQUIRE(count.calls() > 0);
  constexpr int kRequests = 2000;
  const auto before = count.calls();
  for (int i = 0; i < kRequests; ++i) REQUIRE(client.get("/").is_whole(200));
  const auto allocations = count.calls() - before;
  note(std::to_string(allocations) + " allocations in " + std::to_string(kRequests) + " requests");
  CHECK(allocations < kRequests / 100);  // a timer or a log line now and then, none per request
}
