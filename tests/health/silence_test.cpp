#include "health/silence.h"

#include <doctest/doctest.h>

#include <initializer_list>
#include <vector>

using namespace holdfast;
using namespace holdfast::health;
using namespace std::chrono_literals;

namespace {

const base::Instant kStart = base::Instant{} + 1h;
constexpr base::Duration kLimit = 500ms;

/// Looks each 100 ms at what `seen` says of each moment; answers the moments, in ms, at which it was notable.
template <class Numbers>
std::vector<int> notable(Numbers seen, int until, base::Duration limit = kLimit) {
  Silence silence;
  std::vector<int> out;
  for (int ms = 0; ms <= until; ms += 100) {
    const auto [waiting, responses] = seen(ms);
    const base::Instant now = kStart + std::chrono::milliseconds{ms};
    if (silence.is_notable({.now = now, .waiting = waiting, .responses = responses}, limit)) out.push_back(ms);
  }
  return out;
}

struct Numbers {
  std::uint32_t waiting;
  std::uint64_t responses;
};

struct Row {
  const char* why;
  Numbers (*seen)(int ms);
  base::Duration limit;
  std::vector<int> want;
};

void check_rows(std::initializer_list<Row> rows) {
  for (const Row& row : rows) {
    INFO(row.why);
    CHECK(notable(row.seen, 4000, row.limit) == row.want);
  }
}

}  // namespace

TEST_CASE("silence: who has nothing to answer is not silent, nor is who answers others") {
  check_rows({
      {"idle",
       [](int) {
         return Numbers{0, 7};
       },
       kLimit,
       {}},
      {"one request, never answered: asked less and less",
       [](int) {
         return Numbers{1, 7};
       },
       kLimit,
       {500, 1000, 2000, 4000}},
      {"many, and one is answered now and then",
       [](int ms) {
         return Numbers{9, static_cast<std::uint64_t>(ms / 400)};
       },
       kLimit,
       {}},
      {"answers end",
       [](int ms) {
         return Numbers{9, static_cast<std::uint64_t>(ms < 1000 ? ms : 1000)};
       },
       kLimit,
       {1500, 2000, 3000}},
  });
}

TEST_CASE("silence: who comes later, and who is never looked after") {
  check_rows({
      {"a newcomer is looked after in its own time",
       [](int ms) {
         return Numbers{ms < 2500 ? 1u : 2u, 7};
       },
       kLimit,
       {500, 1000, 2000, 3000}},
      {"newcomers do not put it off",
       [](int ms) {
         return Numbers{static_cast<std::uint32_t>(1 + ms / 100), 7};
       },
       kLimit,
       {500, 1000, 1600, 2200, 2800, 3400, 4000}},
      {"idle for a while, then busy",
       [](int ms) {
         return Numbers{ms < 3000 ? 0u : 1u, 7};
       },
       kLimit,
       {3400, 3900}},
      {"0: never",
       [](int) {
         return Numbers{1, 7};
       },
       0ms,
       {}},
  });
}
