#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace holdfast::support {

/// A real redis-server on a free port of 127.0.0.1 and on a unix socket, which keeps nothing on disk. Killed at the
/// end. Start it on the test's main thread.
class RedisServer {
 public:
  /// `arguments` as on redis-server's command line: {"--requirepass", "x"}. Returns once it serves.
  explicit RedisServer(std::vector<std::string> arguments = {});

  std::uint16_t port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  std::string socket_path() const { return (folder_.path() / "redis.sock").string(); }

  /// kill -9. The port stays ours: connecting is refused.
  void kill();
  /// Again on the same port, and empty.
  void start();
  /// SIGSTOP: the kernel still takes connections and bytes, nobody answers. Returns once it stands still.
  void hang();
  /// SIGCONT.
  void go_on();

  /// Sends one line and gives back the first line of the response, as in "+OK", "-ERR ...", "$3", ":1".
  std::string command(std::string_view line, std::string_view auth_line = {}) const;
  /// The lines of a response that is one string, as INFO's.
  std::string text(std::string_view line) const;

 private:
  TempDir folder_;
  Fd reservation_;
  std::uint16_t port_ = 0;
  std::vector<std::string> arguments_;
  std::unique_ptr<Process> process_;
};

/// A real Sentinel on a free port, which watches one master under the name "shop". `quorum` must see it down: 1 trusts
/// its own judgement.
class RedisSentinel {
 public:
  explicit RedisSentinel(const RedisServer& master, int quorum = 1);
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  void kill() { process_.reset(); }
  /// The port it says the master has; 0: none.
  std::uint16_t master_port() const;
  /// How many replicas of the master it has found and can talk to.
  int replicas() const;
  /// How many Sentinels it knows, itself included.
  int sentinels() const;

 private:
  int number_in_info(std::string_view name) const;
  TempDir folder_;
  Fd reservation_;
  std::uint16_t port_ = 0;
  std::unique_ptr<Process> process_;
};

}  // namespace holdfast::support
