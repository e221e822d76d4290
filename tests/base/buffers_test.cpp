#include "base/buffers.h"

#include <doctest/doctest.h>

using namespace holdfast;

TEST_CASE("room goes round: what one has given back the next one gets") {
  base::Buffers buffers;
  std::string first;
  buffers.lend(first);  // there is nothing yet
  CHECK(first.empty());
  first.assign(5000, 'x');
  const char* room = first.data();
  buffers.take_back(first);
  CHECK(first.empty());
  std::string second;
  buffers.lend(second);
  CHECK(second.empty());
  CHECK(second.data() == room);
  CHECK(second.capacity() >= 5000);
}

TEST_CASE("what holds something, or has room already, is left alone") {
  base::Buffers buffers;
  std::string kept(100, 'x');
  buffers.take_back(kept);
  std::string text = "short";
  buffers.lend(text);
  CHECK(text == "short");
  std::string roomy;
  roomy.reserve(200);
  const char* own = roomy.data();
  buffers.lend(roomy);
  CHECK(roomy.data() == own);
  buffers.take_back(text);
  CHECK(text.empty());
}

TEST_CASE("what is too large to keep is freed") {
  base::Buffers buffers;
  std::string large(1u << 20, 'x');
  buffers.take_back(large);
  CHECK(large.empty());
  CHECK(large.capacity() < 100);
  buffers.lend(large);
  CHECK(large.capacity() < 100);
}
