#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "conf/reader.h"
#include "redis/link.h"
#include "server/named_files.h"
#include "server/old_process.h"
#include "server/server.h"
#include "sessions/secret.h"

namespace {

using namespace holdfast;

enum ExitCode : int { kDone = 0, kFailed = 1, kUsage = 2 };

struct Arguments {
  std::string config = "/etc/holdfast/holdfast.toml";
  bool check = false;
  bool dump = false;
  std::vector<std::string> words;  ///< All of them, with the program's name.
};

/// Errors: Invalid, with all errors, one a line.
base::Result<conf::Settings> read_config(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return base::Error{base::ErrorCode::Invalid,
                       fmt::format("holdfast: cannot read {}: {}\n", path, std::strerror(errno))};
  }
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  auto read = conf::read_settings(text);
  if (const auto* diagnostics = std::get_if<1>(&read)) {
    return base::Error{base::ErrorCode::Invalid,
                       fmt::format("{}holdfast: {} error{} in {}\n", conf::diagnostics_text(path, *diagnostics),
                                   diagnostics->size(), diagnostics->size() == 1 ? "" : "s", path)};
  }
  conf::Settings settings = std::move(std::get<0>(read));
  settings.redis = redis::with_password(std::move(settings.redis), std::getenv("HOLDFAST_REDIS_PASSWORD"));
  return settings;
}

/// With what the files hold that it names. Errors: Invalid, with what is wrong with each of them.
base::Result<conf::Settings> with_named_files(conf::Settings settings) {
  const auto passwords = server::take_probe_passwords(settings, std::getenv("HOLDFAST_M2EE_PASSWORD"));
  const auto pages = server::load_maintenance_pages(settings);
  const auto tls = server::load_admin_tls(settings);
  std::string faults;
  for (const std::string& fault :
       {passwords ? "" : passwords.error().text, pages ? "" : pages.error().text, tls ? "" : tls.error().text}) {
    if (!fault.empty()) faults += fmt::format("holdfast: {}\n", fault);
  }
  if (!faults.empty()) return base::Error{base::ErrorCode::Invalid, std::move(faults)};
  return settings;
}

base::Result<conf::Settings> read_all(const std::string& path) {
  auto read = read_config(path);
  return read ? with_named_files(std::move(*read)) : std::move(read);
}

/// What the file says, and what it names.
base::Result<std::shared_ptr<const conf::Settings>> settings_of(const Arguments& arguments) {
  auto whole = read_all(arguments.config);
  if (!whole) return whole.error();
  return std::make_shared<const conf::Settings>(std::move(*whole));
}

int fail(std::string_view text) {
  fmt::print(stderr, "{}", text);
  return kFailed;
}

int dump(const Arguments& arguments) {
  const auto read = read_config(arguments.config);
  if (!read) return fail(read.error().text);
  fmt::print("{}", conf::dump_settings(*read));
  return kDone;
}

int check(const Arguments& arguments) {
  const auto settings = settings_of(arguments);
  if (!settings) return fail(settings.error().text);
  const conf::Sessions& sessions = (*settings)->sessions;
  const std::string& state_dir = (*settings)->server.state_dir;
  // A check writes nothing: a secret that would be generated on first use is not missing.
  const bool generates = sessions.secret_file.empty() && std::getenv("HOLDFAST_SECRET") == nullptr;
  if (generates) {
    const auto usable = sessions::check_state_dir(state_dir);
    if (!usable) return fail(fmt::format("holdfast: {}\n", usable.error().text));
  } else {
    const auto secret = sessions::load_secret(sessions, state_dir, std::getenv("HOLDFAST_SECRET"));
    if (!secret) return fail(fmt::format("holdfast: {}\n", secret.error().text));
  }
  fmt::print("{}: ok\n", arguments.config);
  return kDone;
}

int run(const Arguments& arguments) {
  auto old_process = server::OldProcess::meet();
  if (!old_process) return fail(fmt::format("holdfast: {}\n", old_process.error().text));
  const auto give_up = [&](const std::string& text) {
    if (*old_process) (*old_process)->notify_failed(text);
    return fail(text);
  };
  const auto settings = settings_of(arguments);
  if (!settings) return give_up(settings.error().text);
  const auto secret =
      sessions::load_secret((*settings)->sessions, (*settings)->server.state_dir, std::getenv("HOLDFAST_SECRET"));
  if (!secret) return give_up(fmt::format("holdfast: {}\n", secret.error().text));
  base::log_setup((*settings)->server.log_level, (*settings)->server.log_format);
  base::log::info("starting",
                  {{"version", HOLDFAST_VERSION}, {"config", arguments.config}, {"secret", secret->source}});
  if (!secret->note.empty()) base::log::warn("secret", {{"reason", secret->note}});
  server::Server server(*settings, secret->bytes,
                        {.read = [path = arguments.config] { return read_all(path); },
                         .words = arguments.words,
                         .old_process = std::move(*old_process)});
  if (const auto ran = server.run(); !ran) {
    base::log::error("start_failed", {{"reason", ran.error().text}});
    return kFailed;
  }
  return kDone;
}

int parse_and_run(int argc, char** argv) {
  CLI::App app("Holdfast: a reverse proxy that keeps users on their backend, and moves them when it fails.",
               "holdfast");
  Arguments arguments;
  app.add_option("-c,--config", arguments.config, "Configuration file")->capture_default_str();
  app.add_flag("-t,--check", arguments.check,
               "Check the configuration and the files in it, then exit: 0 good, 1 errors");
  app.add_flag("-T,--dump", arguments.dump, "Print the effective configuration, without secrets");
  app.set_version_flag("-V,--version", fmt::format("holdfast {} ({}, {}, {})", HOLDFAST_VERSION, HOLDFAST_BUILD_TYPE,
                                                   "C++20", "gcc " __VERSION__));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kUsage;
  }
  arguments.words.assign(argv, argv + argc);
  if (arguments.dump) return dump(arguments);
  return arguments.check ? check(arguments) : run(arguments);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return parse_and_run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "holdfast: %s\n", error.what());
    return kFailed;
  }
}
