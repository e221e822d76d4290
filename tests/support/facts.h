#pragma once

#include <string_view>

/// What a test run tells the person who started it, beside passed and failed.
namespace holdfast::support {

/// Was this test program (and so the proxy built beside it) made with a sanitizer?
constexpr bool is_sanitized() {
#ifdef HOLDFAST_SANITIZED
  return true;
#else
  return false;
#endif
}

/// Environment HOLDFAST_FULL=1: the full sizes, whatever the build.
bool wants_full_size();

/// A measured value, printed at the end of the run and appended to the file HOLDFAST_TEST_NOTES names.
void note(std::string_view text);
/// Something a sanitized build cannot check; the release build of the same test does.
void note_left_to_release(std::string_view what, std::string_view why);
/// Something this machine could not check, and why: never pass over it in silence.
void note_not_run(std::string_view what, std::string_view why);

}  // namespace holdfast::support
