#include "sessions/secret.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <barrier>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/temp_dir.h"

using namespace holdfast;
using namespace holdfast::sessions;
namespace fs = std::filesystem;

namespace {

constexpr const char* kEnvironment = "from the environment";

struct Fixture {
  std::string path(const std::string& name) const { return (directory / name).string(); }
  std::string write(const std::string& name, const std::string& text, fs::perms mode = fs::perms{0600}) const {
    const fs::path file = temp.write(name, text);
    fs::permissions(file, mode);
    return file.string();
  }
  std::size_t files(const std::string& name) const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(path(name)), fs::directory_iterator()));
  }

  support::TempDir temp;
  const fs::path& directory = temp.path();
};

base::Result<Secret> load(const std::string& file, const std::string& state_dir, const char* environment = nullptr) {
  conf::Sessions settings;
  settings.secret_file = file;
  return load_secret(settings, state_dir, environment);
}

unsigned mode_of(const std::string& path) {
  struct stat about {};
  REQUIRE(::stat(path.c_str(), &about) == 0);
  return about.st_mode & 07777;
}

}  // namespace

TEST_CASE("the first source given is the one: file, environment, state directory") {
  const Fixture f;
  const std::string file = f.write("given", "from the secret file\n");
  struct Row {
    const char* why;
    std::string file;
    const char* environment;
    std::string want;
    std::string source;
  };
  const Row rows[] = {{"file and environment", file, kEnvironment, "from the secret file", file},
                      {"file alone", file, nullptr, "from the secret file", file},
                      {"environment alone", "", kEnvironment, kEnvironment, "HOLDFAST_SECRET"}};
  for (const Row& row : rows) {
    INFO(row.why);
    const auto secret = load(row.file, f.path("state"), row.environment);
    REQUIRE(secret);
    CHECK(secret->bytes == row.want);
    CHECK(secret->source == row.source);
    CHECK(secret->note.empty());
  }
  CHECK_FALSE(fs::exists(f.path("state")));
}

TEST_CASE("one line end does not belong to a secret, anything else does") {
  const Fixture f;
  struct Row {
    std::string text;
    std::string want;
  };
  const Row rows[] = {{"0123456789abcdef", "0123456789abcdef"},
                      {"0123456789abcdef\n", "0123456789abcdef"},
                      {"0123456789abcdef\r\n", "0123456789abcdef"},
                      {"0123456789abcdef\n\n", "0123456789abcdef\n"},
                      {" 0123456789abcde ", " 0123456789abcde "},
                      {std::string("\0\xff\n 3456789abcdef", 16), std::string("\0\xff\n 3456789abcdef", 16)},
                      {std::string(64u << 10, 'x'), std::string(64u << 10, 'x')}};
  for (const Row& row : rows) {
    INFO(row.text.substr(0, 40));
    const auto secret = load(f.write("given", row.text), f.path("state"));
    REQUIRE(secret);
    CHECK(secret->bytes == row.want);
  }
}

TEST_CASE("what is given but unusable is an error that names it, and nothing else is tried") {
  const Fixture f;
  ::mkfifo(f.path("fifo").c_str(), 0600);
  fs::create_directory(f.path("broken"));
  f.write("broken/secret", "short");
  f.write("plain", "a file, not a directory");
  const std::string blocked = f.path("plain/state");
  struct Row {
    const char* why;
    std::string file;
    std::string state;
    const char* environment;
    std::string says;
  };
  const Row rows[] = {
      {"no such file", f.path("missing"), f.path("state"), kEnvironment, f.path("missing")},
      {"too short", f.write("short", "0123456789abcde\n"), f.path("state"), kEnvironment, f.path("short")},
      {"empty", f.write("empty", ""), f.path("state"), kEnvironment, f.path("empty")},
      {"too large", f.write("large", std::string((64u << 10) + 1, 'x')), f.path("state"), nullptr, f.path("large")},
      {"a directory", f.path("broken"), f.path("state"), nullptr, f.path("broken")},
      {"a FIFO", f.path("fifo"), f.path("state"), nullptr, f.path("fifo")},
      {"short variable", "", f.path("state"), "short", "HOLDFAST_SECRET"},
      {"empty variable", "", f.path("state"), "", "HOLDFAST_SECRET"},
      {"a broken generated file", "", f.path("broken"), nullptr, f.path("broken/secret")},
      {"no place for a directory", "", blocked, nullptr, blocked}};
  for (const Row& row : rows) {
    INFO(row.why);
    const auto secret = load(row.file, row.state, row.environment);
    REQUIRE_FALSE(secret);
    CHECK(secret.error().text.find(row.says) != std::string::npos);
    CHECK(secret.error().text.find("from the environment") == std::string::npos);
  }
  CHECK_FALSE(fs::exists(f.path("state")));
}

TEST_CASE("a file that others may read works, with a note") {
  const Fixture f;
  struct Row {
    unsigned mode;
    bool noted;
  };
  for (const Row& row : {Row{0600, false}, Row{0400, false}, Row{0640, true}, Row{0604, true}, Row{0620, true}}) {
    INFO(row.mode);
    const auto secret = load(f.write("given", "0123456789abcdef", fs::perms{row.mode}), f.path("state"));
    fs::permissions(f.path("given"), fs::perms{0600});
    REQUIRE(secret);
    CHECK(secret->note.empty() == !row.noted);
    if (row.noted) CHECK(secret->note.find(f.path("given")) != std::string::npos);
  }
}

TEST_CASE("generated once, for its owner only, and the same ever after") {
  const Fixture f;
  const std::string state = f.path("a/b/state");
  const auto first = load("", state);
  REQUIRE(first);
  CHECK(first->bytes.size() == 64);
  CHECK(first->bytes.find_first_not_of("0123456789abcdef") == std::string::npos);
  CHECK(first->source == state + "/secret");
  CHECK(first->note.empty());
  CHECK(mode_of(state + "/secret") == 0600);
  CHECK(mode_of(state) == 0700);
  CHECK(mode_of(f.path("a")) == 0700);
  CHECK(f.files("a/b/state") == 1);
  const auto second = load("", state);
  REQUIRE(second);
  CHECK(second->bytes == first->bytes);
  const auto other = load("", f.path("other"));
  REQUIRE(other);
  CHECK(other->bytes != first->bytes);
}

TEST_CASE("processes that start at once agree on one secret") {
  const Fixture f;
  for (int round = 0; round < 20; ++round) {
    const std::string name = "state" + std::to_string(round);
    std::barrier barrier(4);
    std::vector<std::string> got(4);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] {
        barrier.arrive_and_wait();
        const auto secret = load("", f.path(name));
        got[i] = secret ? secret->bytes : secret.error().text;
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(got[0].size() == 64);
    for (const std::string& bytes : got) CHECK(bytes == got[0]);
    CHECK(f.files(name) == 1);
  }
}
