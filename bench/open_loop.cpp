// An open-loop load generator: requests are due on a fixed schedule, and latency counts from the moment one was due, so
// a proxy that stalls cannot hide it by slowing the load down (no coordinated omission). Keep-alive connections, GETs.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Connection {
  int fd = -1;
  bool is_busy = false;
  Clock::time_point due{};
  std::string head;  // of the response, until it is whole
  std::size_t body_left = 0;
  bool in_body = false;
};

struct Options {
  int port = 0;
  double rate = 1000;
  double seconds = 5;
  int connections = 64;
  std::string path = "/100";
  std::string fields;  // further header lines
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view key = argv[i];
    if (key == "--port") options.port = std::atoi(argv[i + 1]);
    if (key == "--rate") options.rate = std::atof(argv[i + 1]);
    if (key == "--seconds") options.seconds = std::atof(argv[i + 1]);
    if (key == "--connections") options.connections = std::atoi(argv[i + 1]);
    if (key == "--path") options.path = argv[i + 1];
    if (key == "--header") options.fields += std::string(argv[i + 1]) + "\r\n";
  }
  return options;
}

bool open_connection(Connection& connection, int port, int epoll, std::uint32_t index) {
  connection.fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(connection.fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return false;
  const int on = 1;
  setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u32 = index;
  return epoll_ctl(epoll, EPOLL_CTL_ADD, connection.fd, &event) == 0;
}

enum class Response { More, Whole, Bad };

Response take(Connection& connection, std::string_view bytes) {
  if (!connection.in_body) {
    connection.head += bytes;
    const std::size_t end = connection.head.find("\r\n\r\n");
    if (end == std::string::npos) return Response::More;
    if (!connection.head.starts_with("HTTP/1.1 200")) return Response::Bad;
    std::size_t at = connection.head.find("Content-Length: ");
    if (at == std::string::npos) at = connection.head.find("content-length: ");  // HAProxy writes names so
    if (at == std::string::npos || at > end) return Response::Bad;
    const std::size_t length = std::strtoull(connection.head.c_str() + at + 16, nullptr, 10);
    const std::size_t had = connection.head.size() - end - 4;
    if (had > length) return Response::Bad;
    connection.head.clear();
    connection.body_left = length - had;
    connection.in_body = connection.body_left > 0;
    return connection.in_body ? Response::More : Response::Whole;
  }
  if (bytes.size() > connection.body_left) return Response::Bad;
  connection.body_left -= bytes.size();
  connection.in_body = connection.body_left > 0;
  return connection.in_body ? Response::More : Response::Whole;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  if (options.port == 0) {
    return std::fprintf(stderr,
                        "usage: open_loop --port P --rate R [--seconds S] [--connections N] [--path /100] "
                        "[--header 'Name: value']\n"),
           2;
  }
  const std::string request = "GET " + options.path + " HTTP/1.1\r\nHost: bench.example\r\n" + options.fields + "\r\n";
  const int epoll = epoll_create1(0);
  std::vector<Connection> connections(static_cast<std::size_t>(options.connections));
  std::vector<std::uint32_t> idle;
  for (std::uint32_t i = 0; i < connections.size(); ++i) {
    if (!open_connection(connections[i], options.port, epoll, i)) return std::perror("open_loop"), 1;
    idle.push_back(i);
  }
  std::vector<std::uint32_t> latencies;  // microseconds
  latencies.reserve(static_cast<std::size_t>(options.rate * options.seconds));
  std::deque<Clock::time_point> waiting;
  std::uint64_t errors = 0;
  const auto start = Clock::now();
  const auto total = static_cast<std::uint64_t>(options.rate * options.seconds);
  const auto due_of = [&](std::uint64_t i) {
    return start + std::chrono::nanoseconds(static_cast<std::int64_t>(static_cast<double>(i) * 1e9 / options.rate));
  };
  std::uint64_t next = 0;
  static char buffer[1 << 18];
  const auto give_up =
      start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.seconds + 5));
  while (latencies.size() + errors < total && Clock::now() < give_up) {
    const auto now = Clock::now();
    while (next < total && due_of(next) <= now) waiting.push_back(due_of(next++));
    while (!waiting.empty() && !idle.empty()) {
      Connection& connection = connections[idle.back()];
      idle.pop_back();
      connection.due = waiting.front();
      waiting.pop_front();
      connection.is_busy = true;
      if (send(connection.fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) ++errors;
    }
    // Spinning would steal the CPU from the backend beside us; a millisecond's sleep would blur the schedule.
    epoll_event events[128];
    const int count = epoll_wait(epoll, events, 128, 0);
    if (count == 0) {
      const auto pause = next < total
                             ? std::min(due_of(next) - Clock::now(), Clock::duration(std::chrono::microseconds(50)))
                             : Clock::duration(std::chrono::microseconds(50));
      if (pause > Clock::duration::zero()) std::this_thread::sleep_for(pause);
      continue;
    }
    for (int i = 0; i < count; ++i) {
      const std::uint32_t index = events[i].data.u32;
      Connection& connection = connections[index];
      for (;;) {
        const ssize_t got = recv(connection.fd, buffer, sizeof buffer, MSG_DONTWAIT);
        if (got < 0) break;
        const Response response = got == 0 ? Response::Bad : take(connection, {buffer, static_cast<std::size_t>(got)});
        if (response == Response::More) continue;
        if (response == Response::Bad) {
          if (connection.is_busy) ++errors;
          close(connection.fd);
          connection = {};
          if (!open_connection(connection, options.port, epoll, index)) return std::perror("open_loop"), 1;
        } else {
          const auto took = Clock::now() - connection.due;
          latencies.push_back(
              static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
          connection.is_busy = false;
        }
        idle.push_back(index);
        break;
      }
    }
  }
  std::sort(latencies.begin(), latencies.end());
  const auto at = [&](double share) {
    return latencies.empty()
               ? 0u
               : latencies[std::min(latencies.size() - 1,
                                    static_cast<std::size_t>(share * static_cast<double>(latencies.size())))];
  };
  std::printf(
      "{\"requests\": %zu, \"errors\": %llu, \"unfinished\": %llu, \"rate\": %.0f, \"p50_us\": %u, \"p99_us\": %u, "
      "\"p999_us\": %u, \"max_us\": %u}\n",
      latencies.size(), static_cast<unsigned long long>(errors),
      static_cast<unsigned long long>(total - latencies.size() - errors), options.rate, at(0.5), at(0.99), at(0.999),
      latencies.empty() ? 0u : latencies.back());
  return errors == 0 ? 0 : 1;
}
