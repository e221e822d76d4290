#include "cluster/operator_book.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <iterator>

using namespace holdfast;
using namespace holdfast::cluster;
using namespace std::chrono_literals;
using health::OperatorOrder;
using health::OperatorState;

namespace {

OperatorOrder order(OperatorState state, std::int64_t at, std::string by = "ops") {
  return {.state = state, .by = std::move(by), .at = base::WallTime{std::chrono::milliseconds{at}}, .deadline = {}};
}

}  // namespace

TEST_CASE("the later order holds, in whatever sequence they arrive") {
  const OperatorOrder orders[] = {order(OperatorState::Drain, 10), order(OperatorState::Ready, 20),
                                  order(OperatorState::Maint, 20, "a"), order(OperatorState::Maint, 20, "b"),
                                  order(OperatorState::Drain, 5)};
  int sequence[] = {0, 1, 2, 3, 4};
  do {
    OperatorBook book;
    for (const int i : sequence) book.merge("shop/app1", orders[i]);
    REQUIRE(book.find("shop/app1"));
    CHECK(*book.find("shop/app1") == orders[3]);
  } while (std::next_permutation(std::begin(sequence), std::end(sequence)));
}

TEST_CASE("news is what changes something") {
  OperatorBook book;
  CHECK(book.merge("shop/app1", order(OperatorState::Drain, 10)));
  CHECK(!book.merge("shop/app1", order(OperatorState::Drain, 10)));
  CHECK(!book.merge("shop/app1", order(OperatorState::Ready, 9)));
  CHECK(book.merge("shop/app1", order(OperatorState::Ready, 11)));
  CHECK(!book.merge("", order(OperatorState::Ready, 11)));
  CHECK(!book.find("shop/app2"));
}

TEST_CASE("the book has an end") {
  OperatorBook book;
  for (std::size_t i = 0; i < OperatorBook::kEntriesMax; ++i) {
    REQUIRE(book.merge("p/" + std::to_string(i), order(OperatorState::Drain, 1)));
  }
  CHECK(!book.merge("p/x", order(OperatorState::Drain, 1)));
  CHECK_MESSAGE(book.merge("p/0", order(OperatorState::Ready, 2)), "those in it can still change");
}

TEST_CASE("a drain becomes a maintenance at its deadline") {
  OperatorOrder drain = order(OperatorState::Drain, 10);
  drain.deadline = base::WallTime{100ms};
  CHECK(effective(drain, base::WallTime{99ms}).state == OperatorState::Drain);
  CHECK(effective(drain, base::WallTime{100ms}).state == OperatorState::Maint);
  drain.deadline.reset();
  CHECK(effective(drain, base::WallTime{1h}).state == OperatorState::Drain);
  OperatorOrder ready = order(OperatorState::Ready, 10);
  ready.deadline = base::WallTime{1ms};
  CHECK(effective(ready, base::WallTime{1h}).state == OperatorState::Ready);
}

TEST_CASE("orders and books survive being written down") {
  OperatorOrder drain = order(OperatorState::Drain, 1'769'860'800'123, "Ops \"x\"");
  drain.deadline = base::WallTime{1'769'861'400'000ms};
  CHECK(parse_order(text_of(drain)) == drain);
  CHECK(text_of(order(OperatorState::Maint, 5)) == R"({"state":"maint","by":"ops","at":5})");
  OperatorBook book;
  book.merge("shop/app1", drain);
  book.merge("gone/x", order(OperatorState::Maint, 5));
  const auto read = parse_book(text_of(book));
  REQUIRE(read);
  CHECK(read->entries() == book.entries());
  CHECK(parse_book(text_of(OperatorBook{}))->entries().empty());
}

TEST_CASE("what is no order is none") {
  for (const char* text : {"", "x", "{}", "[]", R"({"state":"up","by":"a","at":1})", R"({"state":"drain","by":"a"})",
                           R"({"state":"drain","by":1,"at":1})", R"({"state":"drain","by":"a","at":-1})",
                           R"({"state":"drain","by":"a","at":1e30})"}) {
    CAPTURE(text);
    CHECK(!parse_order(text));
  }
  for (const char* text : {"", "[]", "{}", R"({"backends":1})", R"({"backends":{"a/b":{}}})"}) {
    CAPTURE(text);
    const auto book = parse_book(text);
    REQUIRE(!book);
    CHECK(book.error().code == base::ErrorCode::Malformed);
  }
}
