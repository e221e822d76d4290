// Counts what a program allocates: put before it with LD_PRELOAD, read through a shared file.
//
// HOLDFAST_ALLOC_COUNT names a file of at least sizeof(AllocCount) bytes; it is mapped when the library is loaded.
// operator new comes here too, by way of malloc. Not for sanitized builds: those bring their own allocator.

#include "tests/support/alloc_counter.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

extern "C" {
// glibc's own names of the functions that this library stands in front of.
void* __libc_malloc(std::size_t);                 // NOLINT(bugprone-reserved-identifier)
void* __libc_calloc(std::size_t, std::size_t);    // NOLINT(bugprone-reserved-identifier)
void* __libc_realloc(void*, std::size_t);         // NOLINT(bugprone-reserved-identifier)
void* __libc_memalign(std::size_t, std::size_t);  // NOLINT(bugprone-reserved-identifier)
}

namespace {

holdfast::support::AllocCount g_unmapped;
holdfast::support::AllocCount* g_count = &g_unmapped;

[[gnu::constructor]] void map_counter() {
  const char* file = std::getenv("HOLDFAST_ALLOC_COUNT");
  if (file == nullptr) return;
  const int fd = ::open(file, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void* memory = ::mmap(nullptr, sizeof g_unmapped, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (memory != MAP_FAILED) g_count = static_cast<holdfast::support::AllocCount*>(memory);
}

void count(std::size_t bytes) {
  g_count->calls.fetch_add(1, std::memory_order_relaxed);
  g_count->bytes.fetch_add(bytes, std::memory_order_relaxed);
}

}  // namespace

extern "C" {

void* malloc(std::size_t size) noexcept { return count(size), __libc_malloc(size); }
void* calloc(std::size_t n, std::size_t size) noexcept { return count(n * size), __libc_calloc(n, size); }
void* realloc(void* old, std::size_t size) noexcept { return count(size), __libc_realloc(old, size); }
void* memalign(std::size_t alignment, std::size_t size) noexcept {
  return count(size), __libc_memalign(alignment, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  return count(size), __libc_memalign(alignment, size);
}

int posix_memalign(void** out, std::size_t alignment, std::size_t size) noexcept {
  count(size);
  void* memory = __libc_memalign(alignment, size);
  if (memory == nullptr) return ENOMEM;
  *out = memory;
  return 0;
}
}
