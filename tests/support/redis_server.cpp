#include "tests/support/redis_server.h"

#include <array>
#include <csignal>
#include <utility>

#include "base/check.h"
#include "base/text.h"

namespace holdfast::support {
namespace {

constexpr const char* kProgram = "redis-server";

/// The response to `lines`, until `enough` of it is there.
template <class Enough>
std::string ask(std::uint16_t port, const std::string& lines, Enough enough) {
  const Fd socket = connect_to(port);
  base::check(socket.is_open() && send_all(socket, lines) == Io::Ok, "a Redis server of ours takes commands");
  std::string got;
  std::array<char, 65536> chunk{};
  while (!enough(got)) {
    const Got more = receive_some(socket, chunk);
    base::check(more.io == Io::Ok, "a Redis server of ours answers");
    got.append(chunk.data(), more.bytes);
  }
  return got;
}

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

bool is_whole_text(std::string_view got) {
  const auto end = got.find("\r\n");
  if (end == std::string_view::npos) return false;
  if (got[0] != '$') return true;
  const auto length = base::parse_decimal(got.substr(1, end - 1));
  return !length || got.size() >= end + 2 + *length + 2;
}

}  // namespace

RedisServer::RedisServer(std::vector<std::string> arguments)
    : reservation_(reserve_port()), port_(port_of(reservation_)), arguments_(std::move(arguments)) {
  start();
}

void RedisServer::start() {
  std::vector<std::string> all{kProgram,
                               "--port",
                               std::to_string(port_),
                               "--bind",
                               "127.0.0.1",
                               "--save",
                               "",
                               "--appendonly",
                               "no",
                               "--dir",
                               folder_.path().string(),
                               "--unixsocket",
                               socket_path(),
                               "--repl-diskless-sync-delay",
                               "0"};
  all.insert(all.end(), arguments_.begin(), arguments_.end());
  process_ = std::make_unique<Process>(Process::Options{.arguments = std::move(all)});
  const bool serves = process_->wait_for_line("Ready to accept connections").has_value();
  base::check(serves, "redis-server starts (is it installed?)");
}

void RedisServer::kill() { process_.reset(); }

void RedisServer::hang() {
  process_->signal(SIGSTOP);
  const std::string status = "/proc/" + std::to_string(process_->pid()) + "/status";
  const bool stands = eventually([&] { return read_text(status).find("State:\tT") != std::string::npos; });
  base::check(stands, "a stopped process stands still");
}

void RedisServer::go_on() { process_->signal(SIGCONT); }

std::string RedisServer::command(std::string_view line, std::string_view auth_line) const {
  std::string lines(auth_line);
  if (!lines.empty()) lines += "\r\n";
  lines.append(line).append("\r\n");
  const std::size_t wanted = auth_line.empty() ? 1 : 2;
  const std::string got = ask(port_, lines, [&](std::string_view text) { return count_of(text, "\r\n") >= wanted; });
  const auto begin = wanted == 1 ? 0 : got.find("\r\n") + 2;
  return got.substr(begin, got.find("\r\n", begin) - begin);
}

std::string RedisServer::text(std::string_view line) const {
  return ask(port_, std::string(line) + "\r\n", [](std::string_view got) { return is_whole_text(got); });
}

RedisSentinel::RedisSentinel(const RedisServer& master, int quorum)
    : reservation_(reserve_port()), port_(port_of(reservation_)) {
  const std::string text = "port " + std::to_string(port_) + "\nbind 127.0.0.1\ndir " + folder_.path().string() +
                           "\nsentinel monitor shop 127.0.0.1 " + std::to_string(master.port()) + " " +
                           std::to_string(quorum) +
                           "\nsentinel down-after-milliseconds shop 300\nsentinel failover-timeout shop 2000\n";
  const auto file = folder_.write("sentinel.conf", text);
  process_ = std::make_unique<Process>(Process::Options{.arguments = {kProgram, file.string(), "--sentinel"}});
  base::check(process_->wait_for_line("+monitor master shop").has_value(), "a Sentinel starts");
}

std::uint16_t RedisSentinel::master_port() const {
  // *2, $n, host, $n, port: five lines; *-1 when it knows none
  const auto got = ask(port_, "SENTINEL GET-MASTER-ADDR-BY-NAME shop\r\n", [](std::string_view text) {
    return count_of(text, "\r\n") >= (text.starts_with("*2") ? 5u : 1u);
  });
  if (!got.starts_with("*2")) return 0;
  const auto end = got.rfind("\r\n");
  const auto begin = got.rfind("\r\n", end - 1) + 2;
  return static_cast<std::uint16_t>(base::parse_decimal(std::string_view(got).substr(begin, end - begin)).value_or(0));
}

int RedisSentinel::replicas() const { return number_in_info("slaves="); }
int RedisSentinel::sentinels() const { return number_in_info("sentinels="); }

int RedisSentinel::number_in_info(std::string_view name) const {
  const auto got = ask(port_, "INFO sentinel\r\n", [](std::string_view text) { return is_whole_text(text); });
  const auto at = got.find("," + std::string(name));
  if (at == std::string::npos) return 0;
  const std::string_view rest = std::string_view(got).substr(at + 1 + name.size());
  return static_cast<int>(base::parse_decimal(rest.substr(0, rest.find_first_not_of("0123456789"))).value_or(0));
}

}  // namespace holdfast::support
