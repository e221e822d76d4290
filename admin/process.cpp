#include "admin/process.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <system_error>

namespace holdfast::admin {

namespace {

std::uint64_t count_threads() {
  std::error_code error;
  std::uint64_t count = 0;
  for (std::filesystem::directory_iterator it("/proc/self/task", error), end; !error && it != end;
       it.increment(error)) {
    ++count;
  }
  return count;
}

void read_memory(ProcessFacts& facts) {
  std::ifstream file("/proc/self/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  file >> total >> resident;
  const long page = ::sysconf(_SC_PAGESIZE);
  if (page <= 0) return;
  facts.resident_bytes = resident * static_cast<std::uint64_t>(page);
  facts.virtual_bytes = total * static_cast<std::uint64_t>(page);
}

std::uint64_t count_descriptors() {
  // Since Linux 6.2 the directory's size is the count; before, it is 0 and the entries must be counted.
  struct stat facts {};
  if (::stat("/proc/self/fd", &facts) == 0 && facts.st_size > 0) return static_cast<std::uint64_t>(facts.st_size);
  std::error_code error;
  std::uint64_t count = 0;
  for (std::filesystem::directory_iterator it("/proc/self/fd", error), end; !error && it != end; it.increment(error)) {
    ++count;
  }
  return count > 0 ? count - 1 : 0;  // without the one that reads the directory
}

double seconds_of(const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6; }

// Field 22 of /proc/self/stat is the start in ticks since boot (proc(5)); the name in field 2 may contain anything, so
// counting begins after its last parenthesis.
double read_start_time() {
  std::ifstream stat_file("/proc/self/stat");
  const std::string text{std::istreambuf_iterator<char>(stat_file), {}};
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream rest(text.substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < 22; ++field) rest >> skipped;
  double ticks = 0;
  rest >> ticks;
  std::ifstream boot_file("/proc/stat");
  for (std::string line; std::getline(boot_file, line);) {
    if (!line.starts_with("btime ")) continue;
    std::istringstream boot(line.substr(6));
    double boot_time = 0;
    boot >> boot_time;
    return boot_time + ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
  }
  return 0;
}

}  // namespace

ProcessFacts read_process_facts() {
  static const double start_time = read_start_time();
  ProcessFacts facts;
  read_memory(facts);
  facts.threads = count_threads();
  facts.descriptors = count_descriptors();
  facts.start_time = start_time;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) facts.descriptors_max = limit.rlim_cur;
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0)
    facts.cpu_seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
  return facts;
}

}  // namespace holdfast::admin
