#include "base/histogram.h"

#include <doctest/doctest.h>

#include <memory>

using namespace holdfast::base;
using namespace std::chrono_literals;

TEST_CASE("every length has one bucket, and the buckets follow each other without a gap") {
  for (std::size_t i = 0; i + 1 < Histogram::kBuckets; ++i) {
    CAPTURE(i);
    CHECK(Histogram::bucket_of(Histogram::bound_of(i) - 1ns) == i);
    CHECK(Histogram::bucket_of(Histogram::bound_of(i)) == i + 1);
  }
  CHECK(Histogram::bucket_of(0ns) == 0);
  CHECK(Histogram::bucket_of(-1s) == 0);
  CHECK(Histogram::bucket_of(24h) == Histogram::kBuckets - 1);
}

TEST_CASE("each doubling of a millisecond is a bound") {
  for (const auto bound : {1ms, 2ms, 4ms, 128ms, 1024ms, 65536ms}) {
    CAPTURE(bound.count());
    const std::size_t bucket = Histogram::bucket_of(bound - 1ns);
    CHECK(Histogram::bound_of(bucket) == bound);
  }
}

TEST_CASE("quantiles are at most a quarter off") {
  const auto lengths = std::make_unique<Histogram>();
  for (int ms = 1; ms <= 1000; ++ms) lengths->add(std::chrono::milliseconds{ms});
  Histogram::Counts counts{};
  lengths->add_to(counts);
  CHECK(count_of(counts) == 1000);
  CHECK(lengths->microseconds() == 500'500'000);
  for (const unsigned percent : {1u, 10u, 50u, 95u, 99u, 100u}) {
    CAPTURE(percent);
    const double exact = percent * 10.0;
    const double found = std::chrono::duration<double, std::milli>(quantile(counts, percent)).count();
    CHECK(found > exact * 0.75);
    CHECK(found < exact * 1.25);
  }
}

TEST_CASE("nothing measured is no length; one measured is all of them") {
  Histogram::Counts counts{};
  CHECK(quantile(counts, 50) == 0ns);
  counts[Histogram::bucket_of(3ms)] = 1;
  CHECK(quantile(counts, 50) == quantile(counts, 99));
  CHECK(quantile(counts, 99) >= 3ms);
  CHECK(quantile(counts, 99) < 4ms);
}
