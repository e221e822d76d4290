#include "admin/overview.h"

#include <doctest/doctest.h>
#include <openssl/evp.h>

#include <array>

#include "tests/admin/sample_view.h"

using namespace holdfast;
using namespace holdfast::admin;

TEST_CASE("nothing from outside becomes markup") {
  StatusView view = sample_view(1);
  const std::string evil = "<script>alert('x')</script>\"&";
  view.node = view.version = view.pools[0].name = evil;
  BackendView& backend = view.pools[0].backends[0];
  backend.name = backend.address = backend.reason = backend.detail = backend.probes.last->text = evil;
  backend.state = health::State::Down;
  view.readiness = {.ready = false, .reason = evil};
  view.redis = {.state = "degraded", .reason = evil};
  const std::string page = overview_html(view);
  CHECK(page.find("<script") == std::string::npos);
  CHECK(page.find("alert('") == std::string::npos);
  CHECK(page.find("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;") != std::string::npos);
}

TEST_CASE("the page says what it knows") {
  const std::string page = overview_html(sample_view());
  for (const char* part : {"All 3 backends of pool shop serving; 12 sessions; redis off", "<h2>Pool shop</h2>", "app3",
                           "<td class=UP>UP</td>", "http-equiv=refresh", "passed: 200 in 1.5 ms",
                           "title=\"2026-01-31T12:00:00.000Z\">3 min"}) {
    INFO(std::string(part));
    CHECK(page.find(part) != std::string::npos);
  }
  CHECK(page.find("<style>" + std::string(kOverviewStyle) + "</style>") != std::string::npos);
}

TEST_CASE("the policy's hash is the style's: otherwise browsers drop it") {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  REQUIRE(EVP_Digest(kOverviewStyle.data(), kOverviewStyle.size(), digest.data(), &size, EVP_sha256(), nullptr) == 1);
  std::array<unsigned char, 64> base64{};
  EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(size));
  INFO(base64.data());
  CHECK(kOverviewPolicy.find("'sha256-" + std::string(reinterpret_cast<char*>(base64.data())) + "'") !=
        std::string_view::npos);
}
