// Emulated M-Files servers behind the real program.

#include <doctest/doctest.h>

#include <list>
#include <nlohmann/json.hpp>

#include "tests/support/mfiles_backend.h"

using namespace holdfast::support;

namespace {

struct Vault {
  explicit Vault(std::initializer_list<const char*> names) {
    for (const char* name : names) backends.emplace_back(name);
  }
  ProxyConfig config(const std::string& pool = {}) const {
    ProxyConfig out;
    for (const MfilesBackend& backend : backends) out.backends.push_back(backend.config());
    out.pool = "preset = \"mfiles\"\n" + pool;
    out.probe = "interval = \"200ms\"\nfast_interval = \"20ms\"\ntimeout = \"200ms\"\n";
    return out;
  }
  MfilesBackend& named(std::string_view name) {
    for (MfilesBackend& backend : backends) {
      if (backend.name() == name) return backend;
    }
    FAIL("no node " << name);
    return backends.front();
  }
  std::list<MfilesBackend> backends;
};

std::string token_for(HttpClient& client) {
  const Response response = client.post("/REST/server/authenticationtokens", "{}");
  REQUIRE(response.is_whole(200));
  return nlohmann::json::parse(response.body).value("Value", "");
}

Response use(HttpClient& client, const std::string& token) {
  return client.get("/REST/objects", {{"X-Authentication", token}});
}

}  // namespace

TEST_CASE("m-files: a token is used where it was given out, by clients that keep no cookies") {
  Vault vault({"a", "b", "c"});
  Proxy proxy(vault.config());
  for (int i = 0; i < 10; ++i) {
    HttpClient client = proxy.client();
    const std::string token = token_for(client);
    for (int j = 0; j < 3; ++j) {
      client.close();
      CHECK(use(client, token).is_whole(200));
    }
  }
}

TEST_CASE("m-files: the vault is detached: users go to the other server, which refuses the old token once") {
  Vault vault({"a", "b"});
  Proxy proxy(vault.config());
  HttpClient client = proxy.client();
  const std::string token = token_for(client);
  const std::string home = use(client, token).body;
  const std::string other = home == "a" ? "b" : "a";
  vault.named(home).detach_vault();
  REQUIRE(proxy.wait_for_state(home, "DOWN"));
  CHECK(proxy.backend(home).value("reason", "") == "probe_bad_status");
  CHECK(proxy.backend(home).value("detail", "").find("status 503") != std::string::npos);

  const Response refused = use(client, token);
  CHECK(refused.is_whole(403));
  CHECK(refused.body.find("not of this server") != std::string::npos);
  CHECK(refused.field("X-Node").value_or("") == other);
  const std::string fresh = token_for(client);
  CHECK(use(client, fresh).body == other);

  vault.named(home).attach_vault();
  REQUIRE(proxy.wait_for_state(home, "UP"));
  CHECK_MESSAGE(use(client, fresh).body == other, "no fail-back");
}

TEST_CASE("m-files: a login of three messages stays on one connection, and its cookie on that server") {
  Vault vault({"a", "b"});
  Proxy proxy(vault.config());
  for (int i = 0; i < 5; ++i) {
    HttpClient user = proxy.client();
    HttpClient stranger = proxy.client();
    CHECK(user.get("/login").is_whole(401));
    CHECK(user.get("/login", {{"Authorization", "NTLM type1"}}).field("WWW-Authenticate") == "NTLM challenge");
    CHECK_MESSAGE(stranger.get("/login").is_whole(401), "nobody else gets that connection");
    const Response in = user.get("/login", {{"Authorization", "NTLM type3"}});
    REQUIRE(in.is_whole(200));
    CHECK(stranger.get("/login").is_whole(401));
    CHECK(user.get("/login").is_whole(200));
    for (int j = 0; j < 3; ++j) CHECK(user.get("/").body == in.body);
  }
}

TEST_CASE("m-files, active-passive: everybody on the first server that is up, and nobody fails back") {
  Vault vault({"a", "b"});
  Proxy proxy(vault.config("balance = \"failover\"\n"));
  HttpClient client = proxy.client();
  const std::string token = token_for(client);
  CHECK(use(client, token).body == "a");
  for (int i = 0; i < 10; ++i) CHECK(proxy.client().get("/").body == "a");
  vault.named("a").server().crash();
  CHECK(use(client, token).is_whole(403));
  const std::string fresh = token_for(client);
  CHECK(use(client, fresh).body == "b");
  REQUIRE(proxy.wait_for_state("a", "DOWN"));
  vault.named("a").server().restart();
  REQUIRE(proxy.wait_for_state("a", "UP"));
  CHECK(use(client, fresh).body == "b");
  CHECK(proxy.client().get("/").body == "a");
}
