#include "admin/page.h"

#include <fmt/format.h>
#include <sodium.h>

#include <array>
#include <string_view>

#include "admin/page_source.h"
#include "base/check.h"

namespace holdfast::admin {

namespace {

/// 'sha256-...', as a Content-Security-Policy names it (CSP Level 3 section 2.3.1).
std::string hash_source(std::string_view text) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size());
  std::array<char, sodium_base64_ENCODED_LEN(crypto_hash_sha256_BYTES, sodium_base64_VARIANT_ORIGINAL)> base64{};
  sodium_bin2base64(base64.data(), base64.size(), hash.data(), hash.size(), sodium_base64_VARIANT_ORIGINAL);
  return fmt::format("'sha256-{}'", base64.data());
}

void put(std::string& html, std::string_view place, std::string_view text) {
  const std::size_t at = html.find(place);
  base::check(at != std::string::npos, "the page has a place for its style and its script");
  html.replace(at, place.size(), text);
}

Page made_page() {
  Page page;
  page.html = kPageHtml;
  put(page.html, "/*STYLE*/", kPageStyle);
  put(page.html, "/*SCRIPT*/", kPageScript);
  page.policy = fmt::format(
      "default-src 'none'; script-src {}; style-src {}; connect-src 'self'; img-src data:; base-uri 'none'; "
      "form-action "
      "'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
      hash_source(kPageScript), hash_source(kPageStyle));
  return page;
}

}  // namespace

const Page& status_page() {
  static const Page page = made_page();
  return page;
}

}  // namespace holdfast::admin
