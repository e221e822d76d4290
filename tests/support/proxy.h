#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/http_client.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace holdfast::support {

/// One backend as the configuration of a test names it.
struct BackendConfig {
  std::string name;
  std::uint16_t port = 0;
  std::string more = {};  ///< Further keys of its table, one a line.
  std::string host = kLoopback;
};

/// What a test configures; the rest is filled in: ports picked by the system, a state directory of its own, quick
/// probes of "/health". Texts are TOML lines of the table named.
struct ProxyConfig {
  std::vector<BackendConfig> backends = {};
  unsigned workers = 2;
  std::string server = {};    ///< In [server].
  std::string listen = {};    ///< In [[listen]].
  std::string sessions = {};  ///< In [sessions].
  std::string pool = {};      ///< In [pools.app].
  std::string sticky = {};    ///< In [pools.app.sticky].
  std::string probe = "path = \"/health\"\ninterval = \"2s\"\nfast_interval = \"20ms\"\ntimeout = \"2s\"\n";
  std::string tables = {};  ///< Whole tables behind all that.
};
std::string toml_of(const ProxyConfig& config, std::string_view state_dir);

/// The real program, started with a configuration, on ports of its own.
///
/// The program is the one the build made, or the one HOLDFAST_BINARY names. A start that fails fails the test, with the
/// program's log in the message.
class Proxy {
 public:
  struct Options {
    std::vector<std::string> environment = {};
    std::vector<std::string> wrapper = {};  ///< Put before the command line.
    bool wait_until_up = true;              ///< Wait until every configured backend is UP.
    std::string binary = {};                ///< Instead of holdfast_binary().
  };
  explicit Proxy(const ProxyConfig& config) : Proxy(config, Options{}) {}
  Proxy(const ProxyConfig& config, Options options);

  std::uint16_t port() const { return port_; }
  std::uint16_t admin_port() const { return admin_port_; }
  HttpClient client() const { return HttpClient{port_}; }
  Process& process() { return *process_; }
  pid_t pid() const { return process_->pid(); }
  const std::filesystem::path& state_dir() const { return dir_.path(); }

  /// TERM, then its exit code (or -1 when it does not end in time).
  int stop();
  /// stop(), then the same configuration again, with the same state directory and, where the system grants them, the
  /// same ports.
  void restart();
  /// kill -9.
  void kill_hard();
  enum class Wait : std::uint8_t { Listening, Up };
  /// After kill_hard(): the same configuration and state directory.
  void start_again(Wait until = Wait::Up);

  /// Other contents for the configuration file of the running proxy; nothing is told to it.
  void reconfigure(const ProxyConfig& config);
  void write_config(std::string_view toml) { dir_.write("holdfast.toml", toml); }
  std::filesystem::path config_path() const { return dir_.path() / "holdfast.toml"; }
  /// POST /api/v1/reload.
  Response reload(std::string_view body = "{}") const;

  /// GET /api/v1/status of the admin listener; null when it gives none.
  nlohmann::json status() const;
  /// The object of one backend in it; empty when there is none.
  nlohmann::json backend(std::string_view name) const;
  bool wait_for_state(std::string_view backend, std::string_view state, Deadline deadline = Deadline{}) const;
  /// Sum over all backends of a number in their objects.
  std::int64_t sum(std::string_view key) const;

 private:
  void start();

  TempDir dir_;
  ProxyConfig config_;
  Options options_;
  std::unique_ptr<Process> process_;
  std::uint16_t port_ = 0;
  std::uint16_t admin_port_ = 0;
};

std::string holdfast_binary();
std::string sample_app_binary();

/// The sample app as a process of its own, to be killed.
class AppServer {
 public:
  AppServer(std::string name, const std::filesystem::path& logins);
  const std::string& name() const { return name_; }
  std::uint16_t port() const { return port_; }
  BackendConfig config() const { return {name_, port_}; }
  Process& process() { return *process_; }
  void kill_hard();
  /// On the same port as before.
  void restart();

 private:
  std::string name_;
  std::string logins_;
  Fd reservation_;
  std::uint16_t port_ = 0;
  std::unique_ptr<Process> process_;
};

}  // namespace holdfast::support
