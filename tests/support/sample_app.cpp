// The sample app: what the demo, the tests and the benchmark put behind the proxy. A small web app with a login page
// that shows which backend answered; its logins live in files, so that any backend can be killed.

#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>
#include <span>
#include <thread>

#include "base/text.h"
#include "tests/support/sample_app_pages.h"

using namespace holdfast;

namespace {

constexpr const char* kUsage =
    "usage: holdfast-sample-app [--port N] [--name NAME] [--state-dir DIR] [--delay-ms N]\n"
    "  --port N         listen on 127.0.0.1:N; 0 (default): the system picks, see the first line printed\n"
    "  --name NAME      the name of this backend (default app1)\n"
    "  --state-dir DIR  where logins are kept; the same for all backends (default: below the temporary directory)\n"
    "  --delay-ms N     wait before every response\n"
    "pages: / /login /logout /health /api/whoami /slow?ms= /bytes?n= /upload /ws\n";

struct Options {
  std::uint16_t port = 0;
  std::string name = "app1";
  std::string state_dir = (std::filesystem::temp_directory_path() / "holdfast-sample-app").string();
  std::uint64_t delay_ms = 0;
};

std::optional<Options> parse_options(std::span<char*> arguments) {
  Options options;
  for (std::size_t i = 1; i < arguments.size(); i += 2) {
    if (i + 1 == arguments.size()) return std::nullopt;
    const std::string_view key = arguments[i];
    const std::string_view value = arguments[i + 1];
    const auto number = base::parse_decimal(value);
    if (key == "--name") {
      options.name = value;
    } else if (key == "--state-dir") {
      options.state_dir = value;
    } else if (key == "--port" && number && *number < 65536) {
      options.port = static_cast<std::uint16_t>(*number);
    } else if (key == "--delay-ms" && number) {
      options.delay_ms = *number;
    } else {
      return std::nullopt;
    }
  }
  return options;
}

void accept_all(support::SampleApp& app, const support::Fd& listener) {
  while (true) {
    support::Fd socket =
        support::accept_from(listener, support::Deadline{support::Clock::duration{std::chrono::hours{24}}});
    if (!socket.is_open()) continue;
    std::thread(support::serve_connection, std::ref(app), support::Wire{std::move(socket)}).detach();
  }
}

}  // namespace

int main(int count, char** values) {
  const auto options = parse_options({values, static_cast<std::size_t>(count)});
  if (!options) return std::fputs(kUsage, stderr), 2;
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);  // the threads inherit it: main alone is told
  support::raise_descriptor_limit();
  const support::Fd listener = support::listen_on(options->port);
  if (!listener.is_open()) {
    std::fprintf(stderr, "cannot listen on 127.0.0.1:%u: %s\n", options->port, std::strerror(errno));
    return 1;
  }
  support::SampleApp app{options->name, std::chrono::milliseconds(options->delay_ms),
                         support::Logins(options->state_dir)};
  std::thread([&] { accept_all(app, listener); }).detach();
  std::printf("listening on 127.0.0.1:%u\n", support::port_of(listener));
  std::fflush(stdout);
  int signal = 0;
  sigwait(&ends, &signal);
  std::_Exit(0);  // connections are cut, as with any server that goes away
}
