// The admin listener over TLS, as curl and holdfastctl meet it.

#include <doctest/doctest.h>

#include "tests/support/certificate.h"
#include "tests/support/ctl.h"
#include "tests/support/facts.h"
#include "tests/support/fleet.h"

using namespace holdfast::support;

namespace {

struct Fixture {
  TempDir dir;
  Certificate certificate{dir};
  Fleet fleet = Fleet({"a"});
  Proxy proxy{config(), {.wait_until_up = false}};
  std::string place = "localhost:" + std::to_string(proxy.admin_port());

  ProxyConfig config() const {
    ProxyConfig out;
    out.backends = fleet.configs();
    out.tables =
        "[admin.tls]\ncert = \"" + certificate.cert.string() + "\"\nkey = \"" + certificate.key.string() + "\"\n";
    return out;
  }
  Finished curl(std::vector<std::string> more) const {
    std::vector<std::string> all{"/usr/bin/curl", "-sS", "--max-time", "20"};
    all.insert(all.end(), more.begin(), more.end());
    return run_to_end({.arguments = std::move(all)});
  }
  Finished ctl(std::vector<std::string> more) const {
    std::vector<std::string> all{holdfastctl_binary(), "--timeout", "20s", "--admin", "https://" + place};
    all.insert(all.end(), more.begin(), more.end());
    return run_to_end({.arguments = std::move(all)});
  }
};

}  // namespace

TEST_CASE("the admin listener over TLS: curl and holdfastctl reach it, who does not know the authority does not") {
  const Fixture f;
  const std::string cert = f.certificate.cert.string();
  const Finished status = f.curl({"--cacert", cert, "https://" + f.place + "/api/v1/status"});
  CHECK(status.code == 0);
  CHECK(nlohmann::json::parse(status.out, nullptr, false).is_object());
  const Finished page = f.curl({"--cacert", cert, "https://" + f.place + "/"});
  CHECK(page.out.size() > 50'000);  // more than a record

  CHECK(f.curl({"https://" + f.place + "/api/v1/status"}).code != 0);
  CHECK(f.curl({"http://" + f.place + "/api/v1/status"}).code != 0);
  CHECK(f.curl({"--cacert", cert, "--tls-max", "1.1", "https://" + f.place + "/"}).code != 0);

  const Finished table = f.ctl({"--ca", cert, "status"});
  CAPTURE(table.err);
  CHECK(table.code == 0);
  CHECK(table.out.find("app/a") != std::string::npos);
  CHECK(f.ctl({"--ca", cert, "drain", "app/a"}).code == 0);
  const Finished stranger = f.ctl({"status"});
  CHECK(stranger.code == 1);
  CHECK(stranger.err.find("TLS: certificate verify failed") != std::string::npos);
}

TEST_CASE("a certificate that is none stops the start, and a check says so") {
  const TempDir dir;
  const auto config =
      dir.write("holdfast.toml", "[server]\nstate_dir = \"" + dir.path().string() +
                                     "\"\n[[listen]]\naddress = \"127.0.0.1:0\"\n[admin.tls]\ncert = \"/none.pem\"\n"
                                     "key = \"/none.key\"\n[pools.app]\nbackends = [\"127.0.0.1:1\"]\n");
  const Finished checked = run_to_end({.arguments = {holdfast_binary(), "-t", "-c", config.string()}});
  CHECK(checked.code == 1);
  CHECK(checked.err.find("admin.tls: /none.pem: ") != std::string::npos);
}
