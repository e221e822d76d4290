#include "admin/page.h"

#include <doctest/doctest.h>
#include <openssl/evp.h>

#include <array>
#include <cctype>

#include "admin/page_source.h"

using namespace holdfast::admin;

namespace {

std::string hash_source(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  REQUIRE(EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) == 1);
  std::array<unsigned char, 64> base64{};
  EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(size));
  return "'sha256-" + std::string(reinterpret_cast<char*>(base64.data())) + "'";
}

std::string between(const std::string& text, const std::string& from, const std::string& to) {
  const std::size_t begin = text.find(from) + from.size();
  return text.substr(begin, text.find(to, begin) - begin);
}

}  // namespace

TEST_CASE("the policy allows the page's own style and script by hash, and nothing else") {
  const Page& page = status_page();
  CHECK(page.policy.find("script-src " + hash_source(between(page.html, "<script>", "</script>")) + ";") !=
        std::string::npos);
  CHECK(page.policy.find("style-src " + hash_source(between(page.html, "<style>", "</style>")) + ";") !=
        std::string::npos);
  CHECK(page.policy.starts_with("default-src 'none';"));
  CHECK(page.policy.find("unsafe") == std::string::npos);
  CHECK(page.policy.find("http") == std::string::npos);
}

TEST_CASE("the page is one file that asks nobody else for anything, and makes no markup of text") {
  const Page& page = status_page();
  for (const char* part : {"src=", "@import", "url(", "cdn", "//fonts", "innerHTML", "outerHTML", "insertAdjacentHTML",
                           "document.write", "eval(", "onclick=\"", "style=\""}) {
    INFO(std::string(part));
    CHECK(page.html.find(part) == std::string::npos);
  }
  CHECK(kPageScript.find("</script") == std::string_view::npos);
  CHECK(kPageStyle.find("</style") == std::string_view::npos);
  CHECK(page.html.size() < 150'000);
}
