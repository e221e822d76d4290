// Emulated Mendix runtimes behind the real program: what their admin ports say, and what becomes of users.

#include <doctest/doctest.h>

#include <functional>
#include <list>

#include "tests/support/mendix_backend.h"

using namespace holdfast::support;

namespace {

constexpr const char* kQuick =
    "type = \"m2ee\"\ninterval = \"200ms\"\nfast_interval = \"20ms\"\ntimeout = \"200ms\"\nhealth_every = 1\n";

struct Erp {
  explicit Erp(std::initializer_list<const char*> names) {
    for (const char* name : names) backends.emplace_back(name);
  }
  ProxyConfig config(const std::string& probe = std::string(kQuick) + "password = \"1Secret!\"\n") const {
    ProxyConfig out;
    for (const MendixBackend& backend : backends) out.backends.push_back(backend.config());
    out.pool = "preset = \"mendix\"\n";
    out.probe = probe;
    return out;
  }
  MendixBackend& operator[](std::size_t i) { return *std::next(backends.begin(), static_cast<std::ptrdiff_t>(i)); }
  void each(const std::function<void(MendixBackend&)>& act) {
    for (MendixBackend& backend : backends) act(backend);
  }
  std::list<MendixBackend> backends;
};

std::string word(const Proxy& proxy, const char* backend, const char* key) {
  return proxy.backend(backend).value(key, "");
}

/// A user with a session on that backend.
HttpClient user_of(const Proxy& proxy, std::string_view backend) {
  for (int i = 0; i < 100; ++i) {
    HttpClient user = proxy.client();
    if (user.get("/").body == backend) return user;
  }
  FAIL("nobody was placed on " << backend);
  return proxy.client();
}

std::size_t count_of(const std::string& text, std::string_view word) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += word.size()) ++count;
  return count;
}

}  // namespace

TEST_CASE("mendix: sick gets no new users and keeps those it has; all sick serve, with one alarm") {
  Erp erp({"a", "b"});
  Proxy proxy(erp.config());
  HttpClient old_user = user_of(proxy, "a");
  erp[0].set_health("sick", "the disk is full");
  REQUIRE(proxy.wait_for_state("a", "SICK"));
  CHECK(word(proxy, "a", "reason") == "app_sick");
  CHECK(word(proxy, "a", "detail").find("the disk is full") != std::string::npos);
  for (int i = 0; i < 20; ++i) CHECK(proxy.client().get("/").body == "b");
  CHECK(old_user.get("/xas/").body.find("\"a\"") != std::string::npos);

  erp[1].set_health("sick");
  REQUIRE(proxy.wait_for_state("b", "SICK"));
  CHECK(proxy.process().wait_for_line(" pool_fail_open ").value_or("").find(" error ") != std::string::npos);
  CHECK(proxy.status()["pools"]["app"].value("state", "") == "fail_open");
  for (int i = 0; i < 10; ++i) CHECK(proxy.client().get("/").is_whole(200));
  CHECK(old_user.get("/xas/").is_whole(200));
  const int asked = erp[0].health_checks();
  CHECK(eventually([&] { return erp[0].health_checks() > asked + 3; }));
  CHECK(count_of(proxy.process().err(), "pool_fail_open") == 1);

  erp[0].set_health("unknown");
  REQUIRE(proxy.wait_for_state("a", "UP"));
  CHECK(proxy.process().wait_for_line(" pool_serving ").has_value());
  for (int i = 0; i < 10; ++i) CHECK(proxy.client().get("/").body == "a");
}

TEST_CASE("mendix: starting gets nobody and raises no alarm; a runtime that stops loses its users to the others") {
  Erp erp({"a", "b"});
  erp[0].set_status("starting");
  Proxy proxy(erp.config(), {.environment = {}, .wrapper = {}, .wait_until_up = false});
  REQUIRE(proxy.wait_for_state("b", "UP"));
  REQUIRE(eventually([&] { return word(proxy, "a", "reason") == "app_starting"; }));
  CHECK(word(proxy, "a", "state") == "STARTING");
  for (int i = 0; i < 10; ++i) CHECK(proxy.client().get("/").body == "b");
  HttpClient user = user_of(proxy, "b");
  erp[0].set_status("running");
  REQUIRE(proxy.wait_for_state("a", "UP"));
  const std::string log = proxy.process().err();
  CHECK(count_of(log, " warn backend_") + count_of(log, " error ") == 0);

  erp[1].set_status("stopping");
  REQUIRE(proxy.wait_for_state("b", "DOWN"));
  CHECK(word(proxy, "b", "reason") == "app_not_running");
  CHECK_MESSAGE(user.get("/xas/").is_whole(401), "the other node does not know the session: its own answer passes");
  CHECK(user.get("/").body == "a");
  CHECK(user.get("/xas/").is_whole(200));
}

TEST_CASE("mendix: an app that starts for too long is down") {
  Erp erp({"a"});
  erp[0].set_status("created");
  Proxy proxy(erp.config(std::string(kQuick) + "password = \"1Secret!\"\nstart_timeout = \"1s\"\n"),
              {.environment = {}, .wrapper = {}, .wait_until_up = false});
  REQUIRE(proxy.wait_for_state("a", "DOWN"));
  CHECK(word(proxy, "a", "reason") == "start_timeout");
  CHECK(proxy.client().get("/").is_whole(503));
  erp[0].set_status("running");
  CHECK(proxy.wait_for_state("a", "UP"));
}

TEST_CASE("mendix: a wrong password is the probe's fault, in each way it is said, and never UP") {
  for (const auto refusal :
       {MendixBackend::Refusal::Ok200, MendixBackend::Refusal::Unauthorized401, MendixBackend::Refusal::Forbidden403}) {
    Erp erp({"a", "b"});
    Proxy proxy(erp.config());
    HttpClient old_user = user_of(proxy, "a");
    erp[0].set_refusal(refusal);
    erp[0].set_password("changed");
    REQUIRE(proxy.wait_for_state("a", "SICK"));
    CHECK(word(proxy, "a", "reason") == "probe_misconfigured");
    CHECK(proxy.process().wait_for_line(" backend_sick ").value_or("").find("reason=probe_misconfigured") !=
          std::string::npos);
    CHECK(old_user.get("/xas/").is_whole(200));
    for (int i = 0; i < 10; ++i) CHECK(proxy.client().get("/").body == "b");
    CHECK(proxy.process().err().find("1Secret!") == std::string::npos);
    erp[0].set_password("1Secret!");
    CHECK(proxy.wait_for_state("a", "UP"));
  }
}

TEST_CASE("mendix: a wrong password from the start, everywhere: the apps serve, and one alarm says why") {
  Erp erp({"a", "b"});
  erp.each([](MendixBackend& backend) { backend.set_password("another"); });
  Proxy proxy(erp.config(), {.environment = {}, .wrapper = {}, .wait_until_up = false});
  REQUIRE(proxy.wait_for_state("a", "SICK"));
  REQUIRE(proxy.wait_for_state("b", "SICK"));
  CHECK(eventually([&] { return proxy.client().get("/").is_whole(200); }));
  CHECK(proxy.process().wait_for_line(" pool_fail_open ").value_or("").find("probe_misconfigured") !=
        std::string::npos);
}

TEST_CASE("mendix: an HTTP 200 with another bad result is not UP") {
  Erp erp({"a", "b"});
  Proxy proxy(erp.config());
  erp[0].set_result(1);
  REQUIRE(proxy.wait_for_state("a", "DOWN"));
  CHECK(word(proxy, "a", "reason") == "probe_bad_result");
  for (int i = 0; i < 10; ++i) CHECK(proxy.client().get("/").body == "b");
}

TEST_CASE("mendix: microflows that fail with 560 pass as they are, and nobody is taken for dead") {
  Erp erp({"a", "b"});
  Proxy proxy(erp.config());
  HttpClient user = user_of(proxy, "a");
  for (int i = 0; i < 30; ++i) {
    const Response response = user.post("/xas/fail", "{}");
    CHECK(response.is_whole(560));
    CHECK(response.body == R"({"type":"exception","message":"microflow"})");
  }
  CHECK(word(proxy, "a", "state") == "UP");
  CHECK(erp[0].app().executed() >= 30);
  CHECK(user.get("/xas/").body.find("\"a\"") != std::string::npos);
}

TEST_CASE("mendix: what describes the app is not for strangers") {
  Erp erp({"a"});
  Proxy proxy(erp.config());
  for (const char* path : {"/ws-doc/", "/ws-doc", "/rest-doc/x", "/odata-doc/", "/api-doc/", "/debugger/"}) {
    INFO(path);
    CHECK(proxy.client().get(path).is_whole(403));
  }
  CHECK(proxy.client().get("/ws/").is_whole(200));
  CHECK(erp[0].app().count() == 1);
}

TEST_CASE("mendix: the password may come from a file or the environment; without one nothing starts") {
  Erp erp({"a"});
  const TempDir dir;
  const std::string file = dir.write("m2ee", "1Secret!\n").string();
  { const Proxy by_file(erp.config(std::string(kQuick) + "password_file = \"" + file + "\"\n")); }
  {
    const Proxy by_environment(erp.config(kQuick), {.environment = {"HOLDFAST_M2EE_PASSWORD=1Secret!"}, .wrapper = {}});
  }

  const auto check = [&](const std::string& probe) {
    const std::string toml = dir.write("c.toml", toml_of(erp.config(probe), dir.path().string())).string();
    return run_to_end({.arguments = {holdfast_binary(), "-t", "-c", toml}, .environment = {}});
  };
  const Finished without = check(kQuick);
  CHECK(without.code == 1);
  CHECK(without.err.find("HOLDFAST_M2EE_PASSWORD") != std::string::npos);
  const Finished missing = check(std::string(kQuick) + "password_file = \"/no/such/file\"\n");
  CHECK(missing.code == 1);
  CHECK(missing.err.find("/no/such/file") != std::string::npos);
}

TEST_CASE("mendix: -T shows what the preset sets, and no password") {
  Erp erp({"a"});
  const TempDir dir;
  const std::string toml = dir.write("c.toml", toml_of(erp.config(), dir.path().string())).string();
  const Finished dump = run_to_end({.arguments = {holdfast_binary(), "-T", "-c", toml}, .environment = {}});
  CHECK(dump.code == 0);
  for (const char* line :
       {"preset = \"mendix\"\n", "mode = \"app_cookie\"\n", "names = [\"__Host-XASSESSIONID\", \"XASSESSIONID\"]\n",
        "type = \"m2ee\"\n", "password = \"[redacted]\"\n", "interval = \"200ms\"\n", "response_timeout = \"15m\"\n",
        "path = \"/ws-doc\"\ndeny = true\n", "path = \"/file\"\n", "response_timeout = \"1h\"\n"}) {
    CHECK_MESSAGE(dump.out.find(line) != std::string::npos, line << "\n" << dump.out);
  }
  CHECK(dump.out.find("1Secret!") == std::string::npos);
}
