#include "base/result.h"

#include <doctest/doctest.h>

#include <memory>

using namespace holdfast::base;

TEST_CASE("a result holds a value or an error") {
  Result<std::unique_ptr<int>> good(std::make_unique<int>(7));
  REQUIRE(good);
  const std::unique_ptr<int> taken = std::move(good).value();
  CHECK(*taken == 7);

  const Result<int> bad(Error{ErrorCode::Timeout, "late"});
  CHECK_FALSE(bad.has_value());
  CHECK(bad.error().code == ErrorCode::Timeout);
  CHECK(Result<int>(bad).value_or(3) == 3);

  CHECK(Result<void>().has_value());
  CHECK(Result<void>(Error{ErrorCode::Io, "disk"}).error().text == "disk");
}
