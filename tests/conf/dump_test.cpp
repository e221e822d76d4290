#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

#include "base/random.h"
#include "conf/reader.h"

using namespace holdfast::conf;

namespace {

Settings good(const std::string& toml) {
  auto result = read_settings(toml);
  if (const auto* diagnostics = std::get_if<std::vector<Diagnostic>>(&result))
    FAIL(diagnostics_text("file", *diagnostics) << toml);
  return std::get<Settings>(std::move(result));
}

void check_round_trip(const std::string& toml) {
  const Settings settings = good(toml);
  const std::string dumped = dump_settings(settings);
  INFO(toml);
  INFO(dumped);
  CHECK(good(dumped) == settings);
}

/// Writes random but good files, from a seed.
class Writer {
 public:
  explicit Writer(std::uint64_t seed) : random_(seed) {}

  std::string file() {
    std::string out = process();
    const std::size_t pools = 1 + random_.below(4);
    for (std::size_t i = 0; i < pools; ++i) out += pool("p" + std::to_string(i));
    for (std::size_t i = 0; i < pools; ++i) out += route("p" + std::to_string(i), i);
    return out;
  }

 private:
  bool coin() { return random_.below(2) == 0; }
  std::string one_of(std::initializer_list<const char*> words) { return words.begin()[random_.below(words.size())]; }
  /// The line, or nothing.
  std::string maybe(const std::string& key, const std::string& value) {
    return coin() ? key + " = " + value + "\n" : "";
  }
  std::string number(std::uint64_t low, std::uint64_t high) {
    return std::to_string(low + random_.below(high - low + 1));
  }
  std::string duration() { return "\"" + number(10, 5000) + one_of({"ms", "s", "m", "h"}) + "\""; }
  std::string size() { return coin() ? number(2000, 9000) : "\"" + number(2, 64) + "KiB\""; }

  std::string process() {
    std::string out = "[server]\n" + maybe("workers", number(0, 1024)) + maybe("shutdown_deadline", duration()) +
                      maybe("upgrade_deadline", duration()) + maybe("state_dir", R"("a \"quoted\" \u00fc path\\")") +
                      maybe("log", "{ level = \"" + one_of({"debug", "info", "warn", "error"}) + "\" }") +
                      maybe("access_log", "{ path = \"-\" }");
    out += "[timeouts]\n";
    for (const char* key :
         {"request_head", "client_idle", "connect", "response", "body_idle", "tunnel_idle", "queue", "backend_idle"}) {
      out += maybe(key, duration());
    }
    out += "[limits]\n" + maybe("request_head_bytes", size()) + maybe("request_body_bytes", size()) +
           maybe("response_head_bytes", size()) + maybe("headers", number(8, 1024)) + maybe("queue", number(0, 9)) +
           maybe("backend_idle", number(0, 9)) + maybe("connections", number(1, 99999));
    const std::string shared = coin() ? redis() : "";
    out += shared + "[sessions]\n" + maybe("idle_timeout", "\"" + number(1, 99) + "m\"") +
           maybe("sessions_max", number(1, 9999)) + (shared.empty() ? "" : maybe("store", "\"redis\""));
    out += "[admin]\n" + maybe("enabled", one_of({"true", "false"})) +
           maybe("address", "\"[::1]:" + number(0, 65535) + "\"");
    for (std::size_t i = 0; i <= random_.below(3); ++i) {
      out += "[[listen]]\naddress = \"10.0.0." + std::to_string(i) + ":" + number(0, 65535) + "\"\n" +
             maybe("trusted_proxies", R"(["10.0.0.0/8", "fd00::/8"])");
    }
    return out;
  }

  std::string redis() {
    const std::string out =
        coin() ? "[redis]\nurl = \"" +
                     one_of({"redis://h", "redis://u%3a@[::1]:1/7", "redis+unix:///a%3fb.sock?db=1"}) + "\"\n"
               : "[redis]\nsentinels = [\"a:1\", \"[::2]:2\"]\nmaster = \"m\"\n" + maybe("url", "\"redis://u@/3\"");
    return out + maybe("timeout", "\"" + number(1, 9) + "s\"") + maybe("prefix", "\"p.q\"") +
           one_of({"", "[cluster]\n", "[cluster]\nnode = \"n1\"\n"});
  }

  std::string pool(const std::string& name) {
    const std::string table = "[pools." + name;
    std::string out =
        table + "]\n" + maybe("slow_start", duration()) +
        maybe("preset", "\"" + one_of({"mendix", "mfiles", "java", "php", "express", "aspnet"}) + "\"") +
        maybe("response_timeout", duration()) + maybe("request_body_bytes", number(0, 99)) +
        maybe("maintenance_page", "\"/m.html\"") +
        maybe("balance", "\"" + one_of({"round_robin", "least_requests", "random_two", "hash", "failover"}) + "\"");
    out += table + ".sticky]\n" + sticky() + table + ".probe]\n" + probe();
    out += table + ".passive]\n" + maybe("failures", number(0, 9)) + maybe("eject", duration()) +
           maybe("ejected_percent_max", number(1, 100));
    out += table + ".retry]\n" + maybe("attempts", number(1, 8)) + maybe("budget_percent", number(0, 100)) +
           maybe("budget_min", number(0, 9));
    for (std::size_t i = 0; i <= random_.below(4); ++i) {
      out += fmt::format("[{}.backends]]\naddress = \"{}:8{}\"\n", table,
                         coin() ? fmt::format("[fd00::{}]", i) : fmt::format("h{}.x", i), i);
      out += maybe("name", fmt::format("\"n.{}\"", i)) + maybe("max_requests", number(0, 99)) +
             maybe("probe_port", number(1, 65535));
      if (i > 0) out += maybe("backup", "true") + maybe("weight", number(0, 1000));
    }
    return out;
  }

  std::string sticky() {
    switch (random_.below(4)) {
      case 0:
        return "mode = \"none\"\n";
      case 1:
        return "mode = \"app_cookie\"\nnames = [\"a\", \"b\"]\n" + maybe("failover", "\"temporary\"") +
               maybe("headers", "[\"X-One\"]");
      case 2:
        return "mode = \"source_ip\"\n" + maybe("failover", "\"refuse\"");
      default:
        return maybe("mode", "\"cookie\"") + maybe("cookie", "\"x_y\"") + maybe("same_site", "\"strict\"");
    }
  }

  std::string probe() {
    if (coin()) {
      return one_of({"", "type = \"none\"\n", "type = \"tcp\"\n", "type = \"tcp\"\nport = 7\nrise = 9\n",
                     "type = \"m2ee\"\npassword_file = \"/p\"\nhealth_every = 2\n",
                     "type = \"m2ee\"\npath = \"/a/\"\nport = 9\nstart_timeout = \"2m\"\n"});
    }
    return maybe("path", R"("/x?\"y\\")") + maybe("host", "\"h.example\"") + maybe("port", number(1, 65535)) +
           maybe("headers", R"({ "X-One" = "a\"b", "X-Two" = "" })") +
           maybe("expect", R"({ status = "200-204,560", body = "\u0001\"\n\t", json = { "/a.b" = "c", "" = 5 } })") +
           maybe("interval", duration()) + maybe("rise", number(1, 100)) + maybe("fall", number(1, 100)) +
           maybe("jitter_percent", number(0, 50)) + maybe("fresh_every", number(1, 99)) +
           (coin() ? "method = \"PUT\"\nbody = \"'''\\r\\n\"\n" : "");
  }

  std::string route(const std::string& pool_name, std::size_t i) {
    const std::string where = "[[routes]]\nhost = \"" + one_of({"h", "*.h", "*.x.h"}) + std::to_string(i) + "\"\n" +
                              maybe("path", "\"/a%20/\"");
    switch (random_.below(3)) {
      case 0:
        return where + "deny = true\n";
      case 1:
        return where + "redirect = \"https://{host}{path}{query}\"\n" + maybe("redirect_status", "303");
      default:
        return where + "pool = \"" + pool_name + "\"\n" + maybe("sticky", one_of({"true", "false"})) +
               maybe("response_timeout", duration()) + maybe("request_body_bytes", number(0, 99));
    }
  }

  holdfast::base::Random random_;
};

}  // namespace

TEST_CASE("what is dumped is read back as the same settings") {
  for (std::uint64_t seed = 0; seed < 300; ++seed) check_round_trip(Writer(seed).file());
}

TEST_CASE("an admin port's password is not dumped") {
  const std::string dumped =
      dump_settings(good("[[listen]]\naddress = \"a:1\"\n[pools.a]\nbackends = [\"a:1\"]\nprobe = { type = \"m2ee\", "
                         "password = \"topsecret\" "
                         "}\n"));
  CHECK(dumped.find("topsecret") == std::string::npos);
  CHECK(dumped.find("password = \"[redacted]\"\n") != std::string::npos);
  CHECK(dumped.find("port = 8090\n") != std::string::npos);
}

TEST_CASE("names that are no bare keys") {
  check_round_trip("[[listen]]\naddress = \"a:1\"\n[pools.\"a.b\"]\nbackends = [\"[fd00::1]:1\", \"b:2\"]\n");
  check_round_trip("[[listen]]\naddress = \"a:1\"\n[pools.0]\nbackends = [\"a:1\"]\n");
}

TEST_CASE("a dump shows defaults, and no secret") {
  const std::string dumped = dump_settings(good(R"(
[[listen]]
address = "0.0.0.0:8080"
[pools.app]
backends = ["a:1"]
probe = { headers = { Authorization = "Basic c2VjcmV0", X-M2EE-Authentication = "c2VjcmV0", X-Api-Key = "c2VjcmV0", X-Plain = "seen" } }
)"));
  CHECK(dumped.find("c2VjcmV0") == std::string::npos);
  CHECK(dumped.find("\"Authorization\" = \"[redacted]\"") != std::string::npos);
  CHECK(dumped.find("\"X-Plain\" = \"seen\"") != std::string::npos);
  CHECK(dumped.find("[timeouts]\nrequest_head = \"10s\"\n") != std::string::npos);
  CHECK(dumped.find("[pools.app.probe.expect]\nstatus = \"200-399\"\n") != std::string::npos);
  CHECK(dumped.find("[[routes]]\npath = \"/\"\npool = \"app\"\ndeny = false\n") != std::string::npos);
  CHECK(dump_settings(good(dumped)) == dumped);
}

TEST_CASE("a dump shows where Redis is, and not its password") {
  const std::string ground = "[[listen]]\naddress = \"a:1\"\n[pools.a]\nbackends = [\"a:1\"]\n[redis]\n";
  struct Row {
    const char* keys;
    const char* dumped;
  };
  const Row rows[] = {
      {"url = \"redis://u:topsecret@h\"\n", "url = \"redis://u:[redacted]@h:6379/0\"\ntimeout = \"100ms\"\n"},
      {"url = \"redis://:topsecret@h:1/2\"\n", "url = \"redis://:[redacted]@h:1/2\"\n"},
      {"url = \"redis+unix://u:topsecret@/r/s?db=1\"\n", "url = \"redis+unix://u:[redacted]@/r/s?db=1\"\n"},
      {"url = \"redis://:topsecret@\"\nsentinels = [\"h:1\"]\nmaster = \"m\"\n",
       "url = \"redis://:[redacted]@/0\"\nsentinels = [\"h:1\"]\nmaster = \"m\"\n"}};
  for (const Row& row : rows) {
    const std::string dumped = dump_settings(good(ground + row.keys));
    INFO(dumped);
    CHECK(dumped.find("topsecret") == std::string::npos);
    CHECK(dumped.find(std::string("[redis]\n") + row.dumped) != std::string::npos);
    CHECK(dump_settings(good(dumped)) == dumped);
  }
}
