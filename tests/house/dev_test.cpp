#include <doctest/doctest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

namespace {

namespace fs = std::filesystem;

/// A folder with the few programs that printing a usage needs. A command that installs, builds or starts something does
/// not find its programs there, and fails.
class PoorPath {
 public:
  PoorPath() {
    std::string name = (fs::temp_directory_path() / "holdfast-dev-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    folder_ = name;
    for (const char* program : {"env", "bash", "dirname", "readlink", "nproc", "cat", "sed"}) {
      for (const char* from : {"/usr/bin/", "/bin/"}) {
        if (!fs::exists(std::string(from) + program)) continue;
        fs::create_symlink(std::string(from) + program, folder_ / program);
        break;
      }
    }
  }
  PoorPath(const PoorPath&) = delete;
  PoorPath& operator=(const PoorPath&) = delete;
  ~PoorPath() { fs::remove_all(folder_); }

  struct Outcome {
    int exit_code = -1;
    std::string out;  ///< And stderr.
  };
  /// `./dev` with these arguments.
  Outcome run(const std::string& arguments) const {
    Outcome outcome;
    const std::string command =
        "PATH=" + folder_.string() + " HOLDFAST_RESULTS= ./dev " + arguments + " 2>&1 </dev/null";
    std::FILE* pipe = ::popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::array<char, 4096> buffer{};
    for (std::size_t got = 0; (got = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
      outcome.out.append(buffer.data(), got);
    }
    const int status = ::pclose(pipe);
    outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return outcome;
  }

 private:
  fs::path folder_;
};

constexpr const char* kCommands[] = {"deps",  "build", "demo", "test",   "watch", "tsan",
                                     "bench", "lint",  "fuzz", "format", "check"};

}  // namespace

TEST_CASE("./dev COMMAND --help prints the command's usage, and does nothing") {
  const PoorPath path;
  for (const std::string command : kCommands) {
    for (const std::string& arguments : {command + " --help", command + " -h", "help " + command}) {
      CAPTURE(arguments);
      const auto outcome = path.run(arguments);
      CHECK(outcome.exit_code == 0);
      CHECK_MESSAGE(outcome.out.starts_with("usage: ./dev " + command), outcome.out);
      CHECK(outcome.out.find("\n  ") != std::string::npos);
    }
  }
  CHECK(path.run("test http --help").out.starts_with("usage: ./dev test"));
}

TEST_CASE("./dev alone lists the commands; what it does not know fails") {
  const PoorPath path;
  for (const char* arguments : {"", "help", "--help"}) {
    CAPTURE(arguments);
    const auto outcome = path.run(arguments);
    CHECK(outcome.exit_code == 0);
    for (const std::string command : kCommands) CHECK(outcome.out.find("\n  " + command) != std::string::npos);
  }
  CHECK(path.run("dance").exit_code == 2);
  CHECK(path.run("help dance").exit_code == 2);
  CHECK(path.run("demo first").exit_code != 0);
  CHECK(path.run("demo first").out.find("PORT") != std::string::npos);
}
