#include "sessions/keyring.h"

#include <doctest/doctest.h>

#include <set>
#include <span>
#include <string>
#include <vector>

using namespace holdfast::sessions;

namespace {

constexpr std::string_view kSecret = "a secret of thirty-two bytes ...";

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

TEST_CASE("session keys: the same for the same, apart for everything else") {
  const Keyring keyring(kSecret);
  const std::string long_a(5000, 'a');
  struct Row {
    const char* why;
    std::string pool;
    std::string held;
  };
  const Row rows[] = {{"plain", "shop", "abc"},
                      {"another id", "shop", "abd"},
                      {"another pool", "shoq", "abc"},
                      {"the border between pool and id moves right", "shopa", "bc"},
                      {"the border moves left", "sho", "pabc"},
                      {"empty id", "shop", ""},
                      {"both empty", "", ""},
                      {"a zero byte at the end", "shop", std::string("abc\0", 4)},
                      {"the longest hashed at once", "shop", long_a.substr(0, 499)},
                      {"the shortest hashed in pieces", "shop", long_a.substr(0, 500)},
                      {"long", "shop", long_a},
                      {"long, another pool", "shoq", long_a},
                      {"long, the border moves", "shopa", long_a.substr(1)},
                      {"long, one byte more", "shop", long_a + "a"},
                      {"long pool", long_a, "abc"}};
  std::set<Key> seen;
  for (const Row& row : rows) {
    INFO(row.why);
    const Key key = keyring.session_key(row.pool, row.held);
    CHECK(key == Keyring(kSecret).session_key(row.pool, row.held));
    CHECK(key != Keyring("another secret of enough bytes").session_key(row.pool, row.held));
    CHECK(seen.insert(key).second);
  }
}

TEST_CASE("our cookie's id and an app's id of the same bytes are different sessions") {
  const Keyring keyring(kSecret);
  const std::string_view text = "sixteen bytes ok";
  const auto id = bytes_of(text).first<16>();
  CHECK(keyring.session_key("shop", id) == keyring.session_key("shop", id));
  CHECK(keyring.session_key("shop", id) != keyring.session_key("shop", text));
  CHECK(keyring.session_key("shop", id) != keyring.session_key("blog", id));
}

TEST_CASE("backend tags: stable, never 0, apart by pool and name") {
  const Keyring keyring(kSecret);
  std::set<BackendTag> seen{BackendTag::None};
  for (const char* pool : {"a", "b", "ab"}) {
    for (const char* backend : {"x", "y", "bx", ""}) {
      INFO(pool << "/" << backend);
      const BackendTag tag = keyring.backend_tag(pool, backend);
      CHECK(tag == Keyring(kSecret).backend_tag(pool, backend));
      CHECK(seen.insert(tag).second);
    }
  }
}

// Every proxy of an installation, old or new, must come to the same: these values may never change.
TEST_CASE("derived values are fixed for all versions") {
  const Keyring keyring(kSecret);
  const Key key = keyring.session_key("shop", "abc");
  CHECK(keyring.shown_id(key) == "66947580272eaf81");
  CHECK(keyring.shown_id(keyring.session_key("shop", std::string(1000, 'x'))) == "2c123545abdcff91");
  CHECK(static_cast<std::uint64_t>(keyring.backend_tag("shop", "app1")) == 15417384228840106871u);
}

TEST_CASE("MACs depend on every bit of the message and on the secret") {
  const Keyring keyring(kSecret);
  std::vector<std::uint8_t> message(40, 7);
  const auto good = keyring.mac(message);
  CHECK(good != Keyring("another secret of enough bytes").mac(message));
  for (std::size_t bit = 0; bit < message.size() * 8; ++bit) {
    message[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    CHECK(keyring.mac(message) != good);
    message[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
  }
}

TEST_CASE("shown ids tell nothing of the key and are apart") {
  const Keyring keyring(kSecret);
  const std::string shown = keyring.shown_id({1, 2});
  CHECK(shown.size() == 16);
  CHECK(shown.find_first_not_of("0123456789abcdef") == std::string::npos);
  CHECK(shown != keyring.shown_id({2, 1}));
  CHECK(shown != Keyring("another secret of enough bytes").shown_id({1, 2}));
}

TEST_CASE("random ids do not repeat") {
  std::set<std::array<std::uint8_t, 16>> seen;
  for (int i = 0; i < 1000; ++i) CHECK(seen.insert(random_id()).second);
}
