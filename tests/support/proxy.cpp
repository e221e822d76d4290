#include "tests/support/proxy.h"

#include <doctest/doctest.h>

#include <csignal>
#include <cstdlib>

#include "base/text.h"

namespace holdfast::support {
namespace {

std::string from_environment(const char* name, std::string_view otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : std::string(otherwise);
}

std::uint16_t port_in(std::string_view line) {
  const auto colon = line.rfind(':');
  return colon == std::string_view::npos
             ? std::uint16_t{0}
             : static_cast<std::uint16_t>(base::parse_decimal(base::trim(line.substr(colon + 1))).value_or(0));
}

}  // namespace

std::string holdfast_binary() { return from_environment("HOLDFAST_BINARY", HOLDFAST_BINARY); }
std::string sample_app_binary() { return from_environment("HOLDFAST_SAMPLE_APP", HOLDFAST_SAMPLE_APP); }

std::string toml_of(const ProxyConfig& config, std::string_view state_dir) {
  std::string text = "[server]\nworkers = " + std::to_string(config.workers) + "\nstate_dir = \"" +
                     std::string(state_dir) + "\"\n" + config.server;
  text += "\n[[listen]]\naddress = \"127.0.0.1:0\"\n" + config.listen;
  text += "\n[admin]\naddress = \"127.0.0.1:0\"\n";
  if (!config.sessions.empty()) text += "\n[sessions]\n" + config.sessions;
  text += "\n[pools.app]\n" + config.pool;
  if (!config.sticky.empty()) text += "\n[pools.app.sticky]\n" + config.sticky;
  if (!config.probe.empty()) text += "\n[pools.app.probe]\n" + config.probe;
  for (const BackendConfig& backend : config.backends) {
    text += "\n[[pools.app.backends]]\nname = \"" + backend.name + "\"\naddress = \"" + backend.host + ":" +
            std::to_string(backend.port) + "\"\n" + backend.more;
  }
  return text + "\n" + config.tables;
}

Proxy::Proxy(const ProxyConfig& config, Options options) : config_(config), options_(std::move(options)) { start(); }

void Proxy::start() {
  std::string toml = toml_of(config_, dir_.path().string());
  const auto file = dir_.write("holdfast.toml", toml);
  std::vector<std::string> arguments = options_.wrapper;
  arguments.insert(arguments.end(),
                   {options_.binary.empty() ? holdfast_binary() : options_.binary, "-c", file.string()});
  process_ = std::make_unique<Process>(Process::Options{arguments, options_.environment});
  const auto listening = process_->wait_for_line(" listening ");
  const auto admin = process_->wait_for_line(" admin_listening ");
  const auto ready = process_->wait_for_line(" ready ");
  if (!listening || !admin || !ready) {
    FAIL("holdfast did not start: " << process_->err() << "\nconfiguration:\n" << toml);
  }
  port_ = port_in(*listening);
  admin_port_ = port_in(*admin);
  if (!options_.wait_until_up) return;
  for (const BackendConfig& backend : config_.backends) {
    if (!wait_for_state(backend.name, "UP"))
      FAIL(backend.name << " is not UP: " << status().dump(1) << process_->err());
  }
}

int Proxy::stop() {
  process_->signal(SIGTERM);
  return process_->wait().value_or(-1);
}

void Proxy::restart() {
  REQUIRE(stop() == 0);
  start();
}

void Proxy::kill_hard() {
  process_->signal(SIGKILL);
  process_->wait();
}

void Proxy::start_again(Wait until) {
  options_.wait_until_up = until == Wait::Up;
  start();
}

void Proxy::reconfigure(const ProxyConfig& config) {
  config_ = config;
  write_config(toml_of(config_, dir_.path().string()));
}

Response Proxy::reload(std::string_view body) const {
  HttpClient client(admin_port_);
  return client.request({.method = "POST",
                         .target = "/api/v1/reload",
                         .fields = {{"Content-Type", "application/json"}},
                         .body = std::string(body),
                         .host = "127.0.0.1"});
}

nlohmann::json Proxy::status() const {
  HttpClient client(admin_port_);
  const Response response = client.request({.target = "/api/v1/status", .host = "127.0.0.1"});
  if (!response.is_whole(200)) return nullptr;
  auto parsed = nlohmann::json::parse(response.body, nullptr, false);
  return parsed.is_discarded() ? nlohmann::json{} : parsed;
}

nlohmann::json Proxy::backend(std::string_view name) const {
  const nlohmann::json all = status();
  const auto at = nlohmann::json::json_pointer("/pools/app/backends/" + std::string(name));
  return all.contains(at) ? all.at(at) : nlohmann::json::object();
}

bool Proxy::wait_for_state(std::string_view name, std::string_view state, Deadline deadline) const {
  return eventually([&] { return backend(name).value("state", "") == state; }, deadline);
}

std::int64_t Proxy::sum(std::string_view key) const {
  std::int64_t total = 0;
  for (const BackendConfig& each : config_.backends)
    total += backend(each.name).value(std::string(key), std::int64_t{0});
  return total;
}

AppServer::AppServer(std::string name, const std::filesystem::path& logins)
    : name_(std::move(name)), logins_(logins.string()), reservation_(reserve_port()), port_(port_of(reservation_)) {
  restart();
}

void AppServer::restart() {
  process_ = std::make_unique<Process>(Process::Options{
      .arguments = {sample_app_binary(), "--port", std::to_string(port_), "--name", name_, "--state-dir", logins_}});
  if (!process_->wait_for_line("listening on")) FAIL("the sample app did not start: " << process_->err());
}

void AppServer::kill_hard() {
  process_->signal(SIGKILL);
  process_->wait();
}

}  // namespace holdfast::support
