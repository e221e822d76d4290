#include "server/full_watch.h"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace std::chrono_literals;
using News = server::FullWatch::News;

TEST_CASE("one line when users are turned away, one when nobody has been for a while") {
  server::FullWatch watch;
  const base::Instant start{1h};
  CHECK(watch.look(start, 0) == News::None);
  CHECK(watch.look(start + 1s, 3) == News::Full);
  CHECK(watch.look(start + 2s, 5) == News::None);
  CHECK(watch.look(start + 11s, 5) == News::None);
  CHECK(watch.look(start + 12s, 5) == News::RoomAgain);
  CHECK(watch.refused() == 5);
  CHECK(watch.look(start + 30s, 5) == News::None);
  CHECK(watch.look(start + 40s, 6) == News::Full);
  CHECK(watch.refused() == 1);
}
