#include "http/scan.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/random.h"

using namespace holdfast;
using namespace holdfast::http;

namespace {

using Scan = const char* (*)(const char*, const char*);
struct Row {
  const char* name;
  Scan fast;
  Scan plain;
  char filler;  // a byte that belongs
};
const Row kRows[] = {{"token", scan::token_end, scan::portable::token_end, 'a'},
                     {"value", scan::value_end, scan::portable::value_end, 'b'},
                     {"target", scan::target_end, scan::portable::target_end, '/'}};

void check_same(const Row& row, const std::vector<char>& bytes) {
  const char* end = bytes.data() + bytes.size();
  CHECK(row.fast(bytes.data(), end) - bytes.data() == row.plain(bytes.data(), end) - bytes.data());
}

}  // namespace

TEST_CASE("fast and plain scans agree on every byte at every place of a block") {
  for (const Row& row : kRows) {
    INFO(row.name);
    for (std::size_t size = 1; size <= 36; ++size) {
      for (std::size_t at = 0; at < size; ++at) {
        for (int byte = 0; byte < 256; ++byte) {
          std::vector<char> bytes(size, row.filler);
          bytes[at] = static_cast<char>(byte);
          const char* end = bytes.data() + bytes.size();
          if (row.fast(bytes.data(), end) != row.plain(bytes.data(), end)) {
            FAIL("byte " << byte << " at " << at << " of " << size);
          }
        }
      }
    }
  }
}

TEST_CASE("fast and plain scans agree on random bytes") {
  base::Random random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<char> bytes(random.below(80));
    for (char& c : bytes) c = static_cast<char>(random.below(20) == 0 ? random.below(256) : 0x21 + random.below(0x5e));
    for (const Row& row : kRows) check_same(row, bytes);
  }
}

TEST_CASE("the classes of RFC 9110") {
  struct Want {
    char c;
    bool token, value, target;
  };
  const Want rows[] = {{'a', true, true, true},     {'Z', true, true, true},       {'0', true, true, true},
                       {'~', true, true, true},     {'"', false, true, true},      {'(', false, true, true},
                       {':', false, true, true},    {'#', true, true, false},      {' ', false, true, false},
                       {'\t', false, true, false},  {'\r', false, false, false},   {'\n', false, false, false},
                       {'\0', false, false, false}, {'\x7f', false, false, false}, {'\x80', false, true, false},
                       {'\xff', false, true, false}};
  for (const Want& row : rows) {
    INFO(static_cast<int>(row.c));
    CHECK(scan::is_token_char(row.c) == row.token);
    CHECK(scan::is_value_char(row.c) == row.value);
    CHECK(scan::is_target_char(row.c) == row.target);
  }
  CHECK(scan::is_token("a-b"));
  CHECK_FALSE(scan::is_token(""));
  CHECK_FALSE(scan::is_token("a b"));
  CHECK(scan::hex_digit('f') == 15);
  CHECK(scan::hex_digit('A') == 10);
  CHECK(scan::hex_digit('g') == -1);
  CHECK(scan::hex_digit('\x11') == -1);  // '1' without bit 5
}
