#include "sessions/cookie.h"

#include <doctest/doctest.h>

#include <span>
#include <string>

using namespace holdfast;
using namespace holdfast::sessions;
using std::chrono::seconds;

namespace {

const Keyring& keyring() {
  static const Keyring one("a secret of thirty-two bytes ...");
  return one;
}

Ticket sample() {
  Ticket ticket;
  for (std::size_t i = 0; i < ticket.id.size(); ++i) ticket.id[i] = static_cast<std::uint8_t>(0xF0 + i);
  ticket.backend = BackendTag{0x0123'4567'89AB'CDEF};
  ticket.generation = Generation{0x8000'0001};
  ticket.issued = base::WallTime{seconds{1'769'860'800}};
  return ticket;
}

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

}  // namespace

TEST_CASE("a sealed ticket opens to what it was, and only with its secret") {
  const Ticket ticket = sample();
  const std::string cookie = seal(ticket, keyring());
  CHECK(cookie.size() == 66);
  CHECK(cookie.find_first_not_of(kAlphabet) == std::string::npos);
  REQUIRE(peek(cookie));
  CHECK(peek(cookie)->id == ticket.id);
  CHECK(peek(cookie)->generation == ticket.generation);
  const auto opened = open(cookie, keyring());
  REQUIRE(opened.has_value());
  CHECK(opened->id == ticket.id);
  CHECK(opened->backend == ticket.backend);
  CHECK(opened->generation == ticket.generation);
  CHECK(opened->issued == ticket.issued);
  CHECK_FALSE(open(cookie, Keyring("another secret of enough bytes")).has_value());
}

// Cookies live in browsers across upgrades: the form of version 1 may never change.
TEST_CASE("the form of version 1 is fixed") {
  CHECK(seal(sample(), keyring()) == "AfDx8vP09fb3-Pn6-_z9_v8BI0VniavN74AAAAFpfe7AP1P695mrD9S65QJpx338rA");
}

TEST_CASE("no bit can be changed") {
  const std::string cookie = seal(sample(), keyring());
  for (std::size_t i = 0; i < cookie.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = cookie;
      changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
      INFO(changed);
      CHECK_FALSE(open(changed, keyring()).has_value());
    }
    for (const char c : kAlphabet) {
      if (c == cookie[i]) continue;
      std::string changed = cookie;
      changed[i] = c;
      INFO(changed);
      CHECK_FALSE(open(changed, keyring()).has_value());
    }
  }
}

TEST_CASE("what has not our form, as far as a quick look shows, is not even peeked at; and is never opened") {
  const std::string cookie = seal(sample(), keyring());
  struct Row {
    const char* why;
    std::string text;
  };
  const Row rows[] = {{"empty", ""},
                      {"padding", cookie + "=="},
                      {"one more", cookie + "A"},
                      {"quotes", "\"" + cookie + "\""},
                      {"a space before", " " + cookie.substr(1)},
                      {"base64, not base64url", cookie.substr(0, 20) + "+" + cookie.substr(21)},
                      {"version 0", "AA" + cookie.substr(2)},
                      {"version 2", "Ag" + cookie.substr(2)},
                      {"another cookie", "JSESSIONID0123456789"}};
  for (const Row& row : rows) {
    INFO(row.why);
    CHECK_FALSE(peek(row.text).has_value());
    CHECK_FALSE(open(row.text, keyring()).has_value());
  }
  for (const std::string& text : {cookie.substr(0, 65) + std::string(1, '\0'), cookie.substr(0, 65) + "B",
                                  cookie.substr(0, 30) + "+" + cookie.substr(31)}) {
    CHECK_FALSE(open(text, keyring()).has_value());
  }
  for (std::size_t size = 0; size < cookie.size(); ++size) {
    CHECK_FALSE(peek(cookie.substr(0, size)).has_value());
    CHECK_FALSE(open(cookie.substr(0, size), keyring()).has_value());
  }
}

TEST_CASE("peeking looks at no MAC") {
  std::string cookie = seal(sample(), keyring());
  cookie[50] = cookie[50] == 'A' ? 'B' : 'A';
  REQUIRE(peek(cookie));
  CHECK(peek(cookie)->id == sample().id);
  CHECK_FALSE(open(cookie, keyring()).has_value());
}

TEST_CASE("a connection's last cookie is read once, and every other one for what it is") {
  conf::Pool shop;
  shop.name = "shop";
  conf::Pool erp;
  erp.name = "erp";
  erp.id = conf::PoolId{1};
  Ticket other = sample();
  other.id[15] ^= 1;
  const std::string cookie = seal(sample(), keyring());
  const std::string another = seal(other, keyring());
  LastCookie last;
  const auto reads = [&](const std::string& text, const conf::Pool& pool) {
    const auto* const got = last.read(text, pool, keyring());
    const auto claim = peek(text);
    if (got == nullptr || !claim) return got == nullptr && !claim;
    return got->id == claim->id && got->claimed == claim->generation &&
           got->key == keyring().session_key(pool.name, std::span<const std::uint8_t, 16>(claim->id));
  };
  CHECK(reads(std::string(66, '\0'), shop));  // as nothing looks before the first
  for (int i = 0; i < 2; ++i) {
    CHECK(reads(cookie, shop));
    CHECK(reads(cookie, shop));
    CHECK(reads(cookie, erp));
    CHECK(reads(another, erp));
    CHECK(reads(cookie.substr(0, 65), erp));
    CHECK(reads(std::string(66, 'A'), erp));
    CHECK(reads("", erp));
  }
}

TEST_CASE("issue times: whole seconds, 32 bits, no wrap") {
  struct Row {
    const char* why;
    base::WallTime in;
    std::int64_t want;
  };
  const Row rows[] = {{"rounded down", base::WallTime{std::chrono::milliseconds{1'999}}, 1},
                      {"1970", base::WallTime{}, 0},
                      {"before 1970", base::WallTime{seconds{-5}}, 0},
                      {"after 2038", base::WallTime{seconds{0x8000'0000}}, 0x8000'0000},
                      {"the last second", base::WallTime{seconds{0xFFFF'FFFF}}, 0xFFFF'FFFF},
                      {"after 2106", base::WallTime{seconds{0x1'0000'0000}}, 0xFFFF'FFFF}};
  for (const Row& row : rows) {
    INFO(row.why);
    Ticket ticket = sample();
    ticket.issued = row.in;
    const auto opened = open(seal(ticket, keyring()), keyring());
    REQUIRE(opened.has_value());
    CHECK(opened->issued == base::WallTime{seconds{row.want}});
  }
}
