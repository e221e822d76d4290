#include "base/steady_array.h"

#include <doctest/doctest.h>

#include <vector>

using holdfast::base::SteadyArray;

TEST_CASE("elements stay where they are while the array grows") {
  SteadyArray<int> numbers(3);
  std::vector<const int*> places;
  for (const std::size_t size :
       {std::size_t{3}, std::size_t{16}, std::size_t{17}, std::size_t{48}, std::size_t{1000}}) {
    numbers.grow(size);
    for (std::size_t i = places.size(); i < size; ++i) {
      CHECK(numbers[i] == 0);
      numbers[i] = static_cast<int>(i);
      places.push_back(&numbers[i]);
    }
    for (std::size_t i = 0; i < size; ++i) {
      REQUIRE(&numbers[i] == places[i]);
      REQUIRE(numbers[i] == static_cast<int>(i));
    }
  }
}

TEST_CASE("what is not there yet is not found") {
  SteadyArray<int> numbers;
  CHECK(numbers.find(0) == nullptr);
  numbers.grow(1);
  CHECK(numbers.find(0) == &numbers[0]);
  CHECK(numbers.find(5000) == nullptr);
}
