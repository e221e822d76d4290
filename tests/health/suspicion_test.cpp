#include "health/suspicion.h"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::health;
using namespace std::chrono_literals;

namespace {

constexpr base::Instant kNow = base::Instant{} + 1h;

}  // namespace

TEST_CASE("a failed request is news once, until a probe has found the backend alive") {
  Suspicion suspicion;
  CHECK_FALSE(suspicion.is_suspect());
  CHECK(suspicion.on_failure(base::ErrorCode::Reset, kNow));
  CHECK_FALSE(suspicion.on_failure(base::ErrorCode::Refused, kNow + 1s));
  CHECK(suspicion.is_suspect());
  CHECK_FALSE(suspicion.is_silence());
  CHECK(suspicion.code() == base::ErrorCode::Refused);

  suspicion.on_alive(kNow + 999ms);
  CHECK_MESSAGE(suspicion.is_suspect(), "that probe may have been answered before the failure");
  suspicion.on_alive(kNow + 1s);
  CHECK_FALSE(suspicion.is_suspect());
  CHECK(suspicion.on_failure(base::ErrorCode::Reset, kNow + 2s));
}

TEST_CASE("a silence is a lesser suspicion until a probe fails, too, or a request") {
  Suspicion suspicion;
  suspicion.on_silence(3s, kNow);
  CHECK(suspicion.is_suspect());
  CHECK(suspicion.is_silence());
  CHECK(suspicion.silence_lasted() == 3s);
  SUBCASE("a probe") {
    CHECK(suspicion.confirm_silence());
    CHECK(suspicion.code() == base::ErrorCode::Timeout);
    CHECK_FALSE_MESSAGE(suspicion.confirm_silence(), "once");
  }
  SUBCASE("a request: that is news") {
    CHECK(suspicion.on_failure(base::ErrorCode::Reset, kNow));
    CHECK_FALSE(suspicion.confirm_silence());
  }
  CHECK(suspicion.is_suspect());
  CHECK_FALSE(suspicion.is_silence());
}

TEST_CASE("without a silence there is none to confirm") {
  Suspicion suspicion;
  CHECK_FALSE(suspicion.confirm_silence());
  CHECK_FALSE(suspicion.is_suspect());
  suspicion.on_silence(1s, kNow);
  suspicion.clear();
  CHECK_FALSE(suspicion.confirm_silence());
}
