#include "server/ordered_moves.h"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::server;

TEST_CASE("moves by order are added to those of the workers, by reason") {
  OrderedMoves moves;
  admin::BackendView view{};
  moves.add_to(view, conf::BackendId{7});
  CHECK(view.moved_away_total == 0);
  view.moved_away_total = 3;
  view.moved_away = {{"maint", 2}, {"down", 1}};
  moves.note(conf::BackendId{7}, "operator", 0);
  moves.note(conf::BackendId{7}, "operator", 1);
  moves.note(conf::BackendId{7}, "operator", 20);
  moves.note(conf::BackendId{7}, "maint", 5);
  moves.note(conf::BackendId{2}, "operator", 9);
  moves.add_to(view, conf::BackendId{7});
  CHECK(view.moved_away_total == 29);
  REQUIRE(view.moved_away.size() == 3);
  CHECK(view.moved_away[0].count == 7);
  CHECK(view.moved_away[1].count == 1);
  CHECK(view.moved_away[2].word == "operator");
  CHECK(view.moved_away[2].count == 21);
}
