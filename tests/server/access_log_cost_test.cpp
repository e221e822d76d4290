#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <new>
#include <string>

#include "server/access_log.h"
#include "tests/support/temp_dir.h"

using namespace std::chrono_literals;
using holdfast::server::AccessLog;
using holdfast::support::TempDir;

namespace {

thread_local std::size_t t_allocations = 0;

}  // namespace

// The whole program's operator new counts: the test of the hot path asks for the difference on its own thread.
void* operator new(std::size_t size) {
  ++t_allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++t_allocations;
  return std::malloc(size);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

TEST_CASE("steady state: a line costs no allocation") {
  const TempDir dir;
  const auto log = AccessLog::open((dir.path() / "access.log").string(), {.batch_bytes = 4096});
  REQUIRE(log);
  const auto feed = (*log)->feed();
  const std::string line(100, 'x');
  std::size_t before = 0;
  for (int i = 0; i < 2000; ++i) {
    if (i == 1000) before = t_allocations;
    feed->write(line);
    if (i % 30 != 0) continue;
    feed->flush();
    if (!(*log)->settle(20s)) break;
  }
  CHECK(t_allocations - before == 0);
  CHECK(before > 0);
}
