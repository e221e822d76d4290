#include "admin/metrics.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <sstream>

#include "tests/admin/sample_view.h"

using namespace holdfast;
using namespace holdfast::admin;
using namespace std::chrono_literals;

namespace {

std::string full_text() {
  StatusView view = sample_view();
  view.pools[0].backends[0].moved_away = {{"down", 2}};
  view.redis.state = "ok";
  view.redis.latency = 2ms;
  view.cluster.state = "ok";
  view.failovers.push_back({.pool = "shop", .backend = "app1", .rescued = 1, .took = 125ms});
  return metrics_text(view, ProcessFacts{.resident_bytes = 1 << 20,
                                         .descriptors = 9,
                                         .descriptors_max = 1024,
                                         .cpu_seconds = 0.25,
                                         .start_time = 1.5e9});
}

/// Reads the text line by line, as Prometheus would, and says what is wrong with each ("" when nothing is).
struct Lint {
  std::map<std::string, std::string> types;
  std::set<std::string> helped;
  std::set<std::string> series;

  std::string fault_of(const std::string& line) {
    if (line.starts_with("#")) return fault_of_comment(line);
    const std::size_t value_at = line.rfind(' ');
    const std::string id = line.substr(0, value_at);
    std::string family = id.substr(0, id.find('{'));
    for (const char* suffix : {"_sum", "_count", "_bucket"}) {
      const std::string stem = family.substr(0, family.size() - std::string(suffix).size());
      if (family.ends_with(suffix) && types.contains(stem)) family = stem;
    }
    if (!types.contains(family)) return "no TYPE before it";
    if (family.ends_with("_total") != (types[family] == "counter")) return "_total and counter go together";
    if (!series.insert(id).second) return "series twice";
    std::istringstream number(line.substr(value_at + 1));
    double value = 0;
    if (!(number >> value) || !number.eof()) return "no number";
    return fault_of_labels(id.substr(std::min(id.find('{'), id.size())));
  }

 private:
  std::string fault_of_comment(const std::string& line) {
    std::istringstream words(line);
    std::string hash;
    std::string kind;
    std::string name;
    std::string type;
    words >> hash >> kind >> name >> type;
    const bool legal = (name.starts_with("holdfast_") || name.starts_with("process_")) &&
                       name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos;
    if (!legal) return "illegal name";
    if (kind == "HELP") return type.empty() ? "empty HELP" : helped.insert(name).second ? "" : "HELP twice";
    if (kind == "TYPE") return types.emplace(name, type).second ? "" : "TYPE twice";
    return "a comment that is neither HELP nor TYPE";
  }
  // {pool="shop",backend="app1"}; the sample's values hold no quotes.
  static std::string fault_of_labels(std::string_view labels) {
    static const std::set<std::string, std::less<>> kKnown = {
        "pool", "backend", "code", "state", "kind", "reason", "outcome", "result", "version", "direction", "le"};
    if (labels.empty()) return "";
    labels.remove_prefix(1);
    while (labels != "}") {
      const std::size_t value_at = labels.find("=\"");
      if (value_at == std::string_view::npos) return "broken labels";
      if (!kKnown.contains(labels.substr(0, value_at)))
        return "unknown label " + std::string(labels.substr(0, value_at));
      labels.remove_prefix(labels.find('"', value_at + 2) + 1);
      if (labels.starts_with(",")) labels.remove_prefix(1);
    }
    return "";
  }
};

bool has_line(const std::string& text, const std::string& line) {
  return text.find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("the text is well formed: HELP and TYPE once before the samples, legal names, known labels, no duplicates") {
  Lint lint;
  std::istringstream lines(full_text());
  for (std::string line; std::getline(lines, line);) {
    INFO(std::string(line));
    CHECK(lint.fault_of(line) == "");
  }
  CHECK(lint.series.size() > 100);
  for (const auto& [name, type] : lint.types) CHECK(lint.helped.contains(name));
}

TEST_CASE("the lint itself finds faults") {
  struct Row {
    const char* lines;
    const char* fault;
  };
  const Row rows[] = {{"# HELP holdfast_a x\n# TYPE holdfast_a gauge\nholdfast_a 1", ""},
                      {"holdfast_a 1", "no TYPE before it"},
                      {"# TYPE holdfast_a gauge\n# TYPE holdfast_a gauge", "TYPE twice"},
                      {"# TYPE holdfast_a counter\nholdfast_a 1", "_total and counter go together"},
                      {"# TYPE holdfast_a gauge\nholdfast_a{user=\"x\"} 1", "unknown label user"},
                      {"# TYPE holdfast_a gauge\nholdfast_a 1\nholdfast_a 2", "series twice"},
                      {"# TYPE Holdfast_a gauge", "illegal name"},
                      {"# TYPE holdfast_a gauge\nholdfast_a x", "no number"}};
  for (const Row& row : rows) {
    Lint lint;
    std::string fault;
    std::istringstream lines(row.lines);
    for (std::string line; std::getline(lines, line);) fault += lint.fault_of(line);
    CHECK(fault == row.fault);
  }
}

TEST_CASE("the numbers come from the view") {
  const std::string text = full_text();
  for (const char* line :
       {R"(holdfast_backend_requests_total{pool="shop",backend="app1",code="2xx"} 97)",
        R"(holdfast_backend_up{pool="shop",backend="app1"} 1)",
        R"(holdfast_backend_state{pool="shop",backend="app1",state="UP"} 1)",
        R"(holdfast_backend_failures_total{pool="shop",backend="app1",kind="reset"} 3)",
        R"(holdfast_backend_move_reasons_total{pool="shop",backend="app1",reason="down"} 2)",
        R"(holdfast_backend_probes_failed_total{pool="shop",backend="app1"} 2)",
        R"(holdfast_backend_probe_duration_seconds_count{pool="shop",backend="app1"} 52)",
        R"(holdfast_backend_probe_duration_seconds_sum{pool="shop",backend="app1"} 0.26)",
        R"(holdfast_pool_sessions{pool="shop"} 12)", R"(holdfast_pool_stickiness_total{pool="shop",outcome="kept"} 88)",
        R"(holdfast_build_info{version="1.2.3"} 1)", "holdfast_ready 1", R"(holdfast_redis_state{state="ok"} 1)",
        "holdfast_failover_last_seconds 0.125", "process_resident_memory_bytes 1048576",
        "process_cpu_seconds_total 0.25"}) {
    INFO(std::string(line));
    CHECK(has_line(text, line));
  }
}

TEST_CASE("who may serve is up: a state by state table") {
  using health::State;
  struct Row {
    State state;
    const char* up;
  };
  for (const Row& row : {Row{State::Up, "1"}, Row{State::Sick, "1"}, Row{State::Draining, "1"}, Row{State::Maint, "0"},
                         Row{State::Down, "0"}, Row{State::Starting, "0"}}) {
    StatusView view = sample_view(1);
    view.pools[0].backends[0].state = row.state;
    const std::string text = metrics_text(view, {});
    INFO(name_of(row.state));
    CHECK(has_line(text, std::string(R"(holdfast_backend_up{pool="shop",backend="app1"} )") + row.up));
    CHECK(has_line(text, R"(holdfast_backend_state{pool="shop",backend="app1",state=")" +
                             std::string(name_of(row.state)) + "\"} 1"));
  }
}

TEST_CASE("what is not known, cannot be, or never was, has no series") {
  StatusView view = sample_view(1);
  view.redis.state = "degraded";
  BackendView& b = view.pools[0].backends[0];
  b.probes.failed_total = 0;
  std::string text = metrics_text(view, {});
  for (const char* absent :
       {"\nholdfast_redis_latency_seconds ", "\nholdfast_backend_requests_queued{",
        "\nholdfast_backend_hung_requests_total{", "\nholdfast_backend_probes_failed_total{", "kind=\"refused\""}) {
    INFO(std::string(absent));
    CHECK(text.find(absent) == std::string::npos);
  }
  view.redis.latency = 2ms;
  b.requests_max = 10;
  b.hung_total = 3;
  text = metrics_text(view, {});
  for (const char* line :
       {"holdfast_redis_latency_seconds 0.002", R"(holdfast_backend_requests_queued{pool="shop",backend="app1"} 0)",
        R"(holdfast_backend_hung_requests_total{pool="shop",backend="app1"} 3)"}) {
    INFO(std::string(line));
    CHECK(has_line(text, line));
  }
}

TEST_CASE("label values are escaped") {
  StatusView view = sample_view(1);
  view.pools[0].name = "a\"b\\c\nd";
  CHECK(has_line(metrics_text(view, {}), R"(holdfast_pool_sessions{pool="a\"b\\c\nd"} 12)"));
}

TEST_CASE("the system says something about this process") {
  const ProcessFacts facts = read_process_facts();
  CHECK(facts.resident_bytes > (1u << 20));
  CHECK(facts.descriptors >= 3);
  CHECK(facts.descriptors_max >= facts.descriptors);
  CHECK(facts.cpu_seconds > 0);
  CHECK(facts.start_time > 1.6e9);
  CHECK(facts.start_time <= std::chrono::duration<double>(base::wall_now().time_since_epoch()).count() + 1);
}

TEST_CASE("every metric has its line in docs/metrics.md, and every line its metric") {
  std::set<std::string> documented;
  std::ifstream file("docs/metrics.md");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("| `")) documented.insert(line.substr(3, line.find('`', 3) - 3));
  }
  Lint lint;
  std::istringstream lines(full_text());
  for (std::string line; std::getline(lines, line);) lint.fault_of(line);
  for (const auto& typed : lint.types) {
    CAPTURE(typed.first);
    CHECK(documented.contains(typed.first));
  }
  for (const std::string& name : documented) {
    CAPTURE(name);
    CHECK(lint.types.contains(name));
  }
}

TEST_CASE("histograms are cumulative, and end with all") {
  StatusView view = sample_view(1);
  LatencyView& latency = view.pools[0].backends[0].latency;
  latency.counts[base::Histogram::bucket_of(3ms)] = 5;
  latency.counts[base::Histogram::bucket_of(200ms)] = 2;
  latency.counts[base::Histogram::bucket_of(1h)] = 1;
  latency.seconds_total = 3600.5;
  const std::string text = metrics_text(view, {});
  const std::string name = "holdfast_backend_first_byte_seconds";
  for (const char* line :
       {R"(_bucket{pool="shop",backend="app1",le="0.032"} 5)", R"(_bucket{pool="shop",backend="app1",le="0.256"} 7)",
        R"(_bucket{pool="shop",backend="app1",le="2.048"} 7)", R"(_bucket{pool="shop",backend="app1",le="+Inf"} 8)",
        R"(_count{pool="shop",backend="app1"} 8)", R"(_sum{pool="shop",backend="app1"} 3600.5)"}) {
    INFO(std::string(line));
    CHECK(has_line(text, name + line));
  }
}

// 33 to 37 ms in a release build on a busy machine; 50 are allowed.
TEST_CASE("a thousand backends that have worked for months stay under 2 MiB") {
  StatusView view = sample_view(1000);
  PoolView& pool = view.pools[0];
  pool.name = "customers";
  for (std::size_t i = 0; i < pool.backends.size(); ++i) {
    BackendView& b = pool.backends[i];
    const std::string number = std::to_string(i);
    b.name = "app-server-" + std::string(9 - number.size(), '0') + number;
    REQUIRE(b.name.size() == 20);
    b.sessions = 1234;
    b.requests_in_flight = 12;
    b.retries_total = 1'234'567;
    b.responses = {0, 0, 1'234'567, 1'234'567, 1'234'567, 1'234'567};
    b.failures = {{"refused", 1'234'567}, {"timeout", 1'234'567}, {"reset", 0}};
    b.moved_away = {{"down", 1'234'567}};
    b.latency.counts.fill(123'456);
    b.latency.seconds_total = 1'234'567.125;
    b.probes.passed_total = 1'234'567;
    b.probes.failed_total = 1'234;
    b.probes.took_total = 1'234'567'891us;
  }
  const auto began = std::chrono::steady_clock::now();
  const std::string text = metrics_text(view, {});
  const auto took = std::chrono::steady_clock::now() - began;
  MESSAGE(text.size() << " bytes in " << std::chrono::duration_cast<std::chrono::microseconds>(took).count() << " us");
  CHECK(text.size() < (2u << 20));
}
