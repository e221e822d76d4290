// Moves a program's time of day: put before it with LD_PRELOAD. HOLDFAST_CLOCK names a file that holds a 64-bit number
// of seconds to be added; it is mapped when the library is loaded, so a test can change it while the program runs.
// Other clocks are left as they are.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

std::atomic<std::int64_t> g_unmapped{0};
std::atomic<std::int64_t>* g_seconds = &g_unmapped;

[[gnu::constructor]] void map_offset() {
  const char* file = std::getenv("HOLDFAST_CLOCK");
  const int fd = file != nullptr ? ::open(file, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void* memory = ::mmap(nullptr, sizeof g_unmapped, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (memory != MAP_FAILED) g_seconds = static_cast<std::atomic<std::int64_t>*>(memory);
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* out) noexcept {
  const auto result = static_cast<int>(::syscall(SYS_clock_gettime, clock, out));
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    out->tv_sec += g_seconds->load(std::memory_order_relaxed);
  }
  return result;
}

int gettimeofday(timeval* out, void*) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  out->tv_sec = now.tv_sec;
  out->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* out) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}
}
