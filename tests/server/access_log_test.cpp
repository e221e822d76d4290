#include "server/access_log.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/socket.h"
#include "tests/support/temp_dir.h"

using namespace holdfast;
using namespace std::chrono_literals;
using server::AccessLog;
using support::Fd;
using support::TempDir;

namespace {

constexpr auto kLong = 20s;

std::unique_ptr<AccessLog> open_log(const std::filesystem::path& path, const AccessLog::Options& options = {}) {
  auto log = AccessLog::open(path.string(), options);
  REQUIRE(log);
  return std::move(*log);
}

std::size_t count_lines(std::string_view text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

/// A FIFO whose reading end the test holds.
struct Fifo {
  Fifo() { REQUIRE(::mkfifo(path.c_str(), 0600) == 0); }
  void open_reader() { reader = Fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)); }
  /// Fills the pipe from a writer of its own; how many bytes that took.
  std::size_t stuff() const {
    const Fd writer(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    const std::string block(4096, '#');
    std::size_t total = 0;
    for (ssize_t wrote = 0; (wrote = ::write(writer.get(), block.data(), block.size())) > 0;) {
      total += static_cast<std::size_t>(wrote);
    }
    return total;
  }
  /// What is in the pipe now.
  std::string take() const {
    std::string text;
    std::array<char, 4096> bytes{};
    for (ssize_t got = 0; (got = ::read(reader.get(), bytes.data(), bytes.size())) > 0;) {
      text.append(bytes.data(), static_cast<std::size_t>(got));
    }
    return text;
  }

  TempDir dir;
  std::filesystem::path path = dir.path() / "log";
  Fd reader;
};

}  // namespace

TEST_CASE("lines of several workers arrive whole and in each worker's order") {
  const TempDir dir;
  constexpr int kWorkers = 4;
  constexpr int kLines = 5000;
  const auto path = dir.path() / "access.log";
  auto log = open_log(path);
  {
    std::vector<std::thread> workers;
    workers.reserve(kWorkers);
    for (int w = 0; w < kWorkers; ++w) {
      workers.emplace_back([&log, w] {
        const auto feed = log->feed();
        for (int i = 0; i < kLines; ++i) {
          feed->write("w" + std::to_string(w) + " " + std::to_string(i));
          if (i % 100 == 0) feed->flush();
        }
      });
    }
    for (std::thread& worker : workers) worker.join();
  }
  CHECK(log->settle(kLong));
  CHECK(log->dropped() == 0);
  log.reset();

  std::array<int, kWorkers> next{};
  std::size_t wrong = 0;
  std::istringstream lines(support::read_text(path));
  for (std::string line; std::getline(lines, line);) {
    const auto w = static_cast<std::size_t>(line.at(1) - '0');
    wrong += line.substr(3) == std::to_string(next.at(w)++) ? 0u : 1u;
  }
  CHECK(wrong == 0);
  for (const int n : next) CHECK(n == kLines);
}

TEST_CASE("what a feed and the queue hold is written at the end; the file is appended to") {
  const TempDir dir;
  const auto path = dir.write("access.log", "before\n");
  {
    const auto log = open_log(path);
    const auto feed = log->feed();
    feed->write("one");
    feed->write("");
    feed->flush();
    feed->flush();
    feed->write("two");
  }
  CHECK(support::read_text(path) == "before\none\n\ntwo\n");
}

TEST_CASE("what cannot be opened is an error with its path") {
  const TempDir dir;
  const auto log = AccessLog::open((dir.path() / "missing" / "access.log").string(), {});
  REQUIRE_FALSE(log);
  CHECK(log.error().code == base::ErrorCode::Io);
  CHECK(log.error().text.find("missing/access.log: No such file") != std::string::npos);
}

TEST_CASE("rotation: lines before reopen() are in the old file, later ones in the new") {
  const TempDir dir;
  const auto path = dir.path() / "access.log";
  const auto log = open_log(path);
  const auto feed = log->feed();
  feed->write("old");
  feed->flush();
  REQUIRE(log->settle(kLong));
  std::filesystem::rename(path, dir.path() / "access.log.1");
  log->reopen();
  REQUIRE(log->settle(kLong));
  feed->write("new");
  feed->flush();
  REQUIRE(log->settle(kLong));
  CHECK(support::read_text(dir.path() / "access.log.1") == "old\n");
  CHECK(support::read_text(path) == "new\n");
}

TEST_CASE("a reopen() that fails leaves the old file in use") {
  const TempDir dir;
  std::filesystem::create_directory(dir.path() / "logs");
  const auto log = open_log(dir.path() / "logs" / "access.log");
  const auto feed = log->feed();
  std::filesystem::rename(dir.path() / "logs", dir.path() / "moved");
  log->reopen();
  REQUIRE(log->settle(kLong));
  feed->write("still here");
  feed->flush();
  REQUIRE(log->settle(kLong));
  CHECK(support::read_text(dir.path() / "moved" / "access.log") == "still here\n");
  CHECK(log->dropped() == 0);
}

TEST_CASE("a full disk loses lines, counts them, and is over when there is room again") {
  const TempDir dir;
  const auto path = dir.path() / "access.log";
  std::filesystem::create_symlink("/dev/full", path);
  const auto log = open_log(path);
  const auto feed = log->feed();
  for (int i = 0; i < 7; ++i) feed->write("lost");
  feed->flush();
  REQUIRE(log->settle(kLong));
  CHECK(log->dropped() == 7);

  std::filesystem::remove(path);
  log->reopen();
  feed->write("kept");
  feed->flush();
  REQUIRE(log->settle(kLong));
  feed->write("too");
  feed->flush();
  REQUIRE(log->settle(kLong));
  CHECK(support::read_text(path).ends_with("too\n"));
  CHECK(log->dropped() <= 8);
}

TEST_CASE("a disk that fills up inside a line: the torn line is ended before the next one") {
  const TempDir dir;
  const auto path = dir.path() / "access.log";
  const auto log = open_log(path);
  const auto feed = log->feed();
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  rlimit small = before;
  small.rlim_cur = 25;
  for (int i = 0; i < 4; ++i) feed->write("123456789");
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  feed->flush();
  const bool settled = log->settle(kLong);
  ::setrlimit(RLIMIT_FSIZE, &before);
  REQUIRE(settled);
  CHECK(log->dropped() == 2);
  feed->write("after");
  feed->flush();
  REQUIRE(log->settle(kLong));
  CHECK(support::read_text(path) == "123456789\n123456789\n12345\nafter\n");
}

TEST_CASE("a FIFO without a reader drops lines; with one it works") {
  Fifo fifo;
  const auto log = open_log(fifo.path);
  const auto feed = log->feed();
  feed->write("nobody");
  feed->flush();
  REQUIRE(log->settle(kLong));
  CHECK(log->dropped() == 1);
  fifo.open_reader();
  feed->write("somebody");
  feed->flush();
  REQUIRE(log->settle(kLong));
  CHECK(fifo.take() == "somebody\n");
  fifo.reader.close();
  feed->write("gone");
  feed->flush();
  REQUIRE(log->settle(kLong));
  CHECK(log->dropped() == 2);
  fifo.open_reader();
  feed->write("back");
  feed->flush();
  REQUIRE(log->settle(kLong));
  CHECK(fifo.take() == "back\n");
}

TEST_CASE("a FIFO nobody reads never blocks a worker: the queue has its limit, every lost line is counted") {
  Fifo fifo;
  fifo.open_reader();
  const AccessLog::Options options{.batch_bytes = 1000, .batches_max = 8, .patience = 10ms};
  const std::size_t stuffed = fifo.stuff();
  auto log = open_log(fifo.path, options);
  auto feed = log->feed();
  const std::string line(99, 'x');  // 10 lines a batch
  for (int i = 0; i < 8 * 10; ++i) feed->write(line);
  CHECK(log->dropped() == 0);
  for (int i = 0; i < 10; ++i) feed->write(line);  // the eighth batch goes when the ninth begins
  CHECK(log->dropped() == 0);
  feed->write(line);
  CHECK(log->dropped() == 10);
  for (int i = 0; i < 1000; ++i) feed->write(line);
  CHECK(log->dropped() == 10 + 1000);
  CHECK_FALSE(log->settle(1ms));

  std::string taken = fifo.take();
  CHECK(log->settle(kLong));
  taken += fifo.take();
  CHECK(taken.size() == stuffed + std::size_t{80} * 100);
  CHECK(count_lines(taken) == 80);
  feed.reset();
  CHECK(log->settle(kLong));
  CHECK(count_lines(fifo.take()) == 1);
}

TEST_CASE("the end does not wait for ever for a stuck sink") {
  Fifo fifo;
  fifo.open_reader();
  static_cast<void>(fifo.stuff());
  auto log = open_log(fifo.path, {.patience = 10ms});
  log->feed()->write("never read");
  log.reset();
  CHECK(fifo.take().find("never read") == std::string::npos);
}

TEST_CASE("reopen() frees the writer from a stuck sink") {
  Fifo fifo;
  fifo.open_reader();
  static_cast<void>(fifo.stuff());
  const auto log = open_log(fifo.path);
  const auto feed = log->feed();
  feed->write("stuck");
  feed->flush();
  CHECK_FALSE(log->settle(1ms));
  std::filesystem::rename(fifo.path, fifo.dir.path() / "away");
  log->reopen();
  REQUIRE(log->settle(kLong));
  CHECK(log->dropped() == 1);
  feed->write("free");
  feed->flush();
  REQUIRE(log->settle(kLong));
  CHECK(support::read_text(fifo.path) == "free\n");
}

TEST_CASE("while the writer is behind, flush() gathers instead of spending the queue on small batches") {
  Fifo fifo;
  fifo.open_reader();
  static_cast<void>(fifo.stuff());
  const auto log = open_log(fifo.path, {.batches_max = 4});
  auto feed = log->feed();
  for (int i = 0; i < 100; ++i) {
    feed->write("small");
    feed->flush();
  }
  CHECK(log->dropped() == 0);
  std::string taken = fifo.take();
  REQUIRE(log->settle(kLong));
  feed.reset();
  REQUIRE(log->settle(kLong));
  taken += fifo.take();
  CHECK(count_lines(taken) == 100);
}

TEST_CASE("lines around the size of a batch, and too long ones") {
  const TempDir dir;
  const auto path = dir.path() / "access.log";
  {
    const auto log = open_log(path, {.batch_bytes = 100, .line_bytes_max = 1000});
    const auto feed = log->feed();
    for (const std::size_t size : {99u, 100u, 101u, 1000u, 1u}) feed->write(std::string(size, 'x'));
    CHECK(log->dropped() == 0);
    feed->write(std::string(1001, 'y'));
    CHECK(log->dropped() == 1);
  }
  CHECK(support::read_text(path).size() == 99 + 100 + 101 + 1000 + 1 + 5);
}

TEST_CASE("\"-\" is stdout") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  const Fd saved(::dup(STDOUT_FILENO));
  REQUIRE(::dup2(writer.get(), STDOUT_FILENO) == STDOUT_FILENO);
  {
    const auto log = AccessLog::open("-", {});
    if (log) (*log)->feed()->write("to stdout");
    if (log) (*log)->reopen();
  }
  ::dup2(saved.get(), STDOUT_FILENO);
  writer.close();
  std::array<char, 100> bytes{};
  const ssize_t got = ::read(reader.get(), bytes.data(), bytes.size());
  CHECK(std::string(bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))) == "to stdout\n");
}
