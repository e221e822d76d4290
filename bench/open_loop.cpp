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

/// The load: requests as they are due, on whichever connection is idle.
class Load {
 public:
  explicit Load(Options options)
      : options_(std::move(options)),
        request_("GET " + options_.path + " HTTP/1.1\r\nHost: bench.example\r\n" + options_.fields + "\r\n"),
        total_(static_cast<std::uint64_t>(options_.rate * options_.seconds)),
        epoll_(epoll_create1(0)),
        connections_(static_cast<std::size_t>(options_.connections)) {
    latencies_.reserve(total_);
  }

  /// False: a connection could not be made.
  bool run() {
    for (std::uint32_t i = 0; i < connections_.size(); ++i) {
      if (!open_connection(connections_[i], options_.port, epoll_, i)) return false;
      idle_.push_back(i);
    }
    start_ = Clock::now();
    const auto allowed = std::chrono::duration<double>(options_.seconds + 5);
    const auto give_up = start_ + std::chrono::duration_cast<Clock::duration>(allowed);
    while (latencies_.size() + errors_ < total_ && Clock::now() < give_up) {
      send_what_is_due();
      epoll_event events[128];
      const int count = epoll_wait(epoll_, events, 128, 0);
      if (count == 0) pause();
      for (int i = 0; i < count; ++i) {
        if (!read_from(events[i].data.u32)) return false;
      }
    }
    return true;
  }

  void print_results() {
    std::sort(latencies_.begin(), latencies_.end());
    std::printf(
        "{\"requests\": %zu, \"errors\": %llu, \"unfinished\": %llu, \"rate\": %.0f, \"p50_us\": %u, \"p99_us\": %u, "
        "\"p999_us\": %u, \"max_us\": %u}\n",
        latencies_.size(), static_cast<unsigned long long>(errors_),
        static_cast<unsigned long long>(total_ - latencies_.size() - errors_), options_.rate, latency_at(0.5),
        latency_at(0.99), latency_at(0.999), latency_at(1));
  }
  bool has_errors() const { return errors_ != 0; }

 private:
  Clock::time_point due_of(std::uint64_t number) const {
    return start_ +
           std::chrono::nanoseconds(static_cast<std::int64_t>(static_cast<double>(number) * 1e9 / options_.rate));
  }

  void send_what_is_due() {
    const auto now = Clock::now();
    while (next_ < total_ && due_of(next_) <= now) waiting_.push_back(due_of(next_++));
    while (!waiting_.empty() && !idle_.empty()) {
      Connection& connection = connections_[idle_.back()];
      idle_.pop_back();
      connection.due = waiting_.front();
      waiting_.pop_front();
      connection.is_busy = true;
      if (send(connection.fd, request_.data(), request_.size(), MSG_NOSIGNAL) < 0) ++errors_;
    }
  }

  // Spinning would steal the CPU from the backend beside us; a millisecond's sleep would blur the schedule.
  void pause() const {
    Clock::duration pause = std::chrono::microseconds(50);
    if (next_ < total_) pause = std::min(due_of(next_) - Clock::now(), pause);
    if (pause > Clock::duration::zero()) std::this_thread::sleep_for(pause);
  }

  /// Until a response is whole, or nothing more is there. False: a lost connection could not be made anew.
  bool read_from(std::uint32_t index) {
    static char buffer[1 << 18];
    Connection& connection = connections_[index];
    for (;;) {
      const ssize_t got = recv(connection.fd, buffer, sizeof buffer, MSG_DONTWAIT);
      if (got < 0) return true;
      const Response response = got == 0 ? Response::Bad : take(connection, {buffer, static_cast<std::size_t>(got)});
      if (response == Response::More) continue;
      if (response == Response::Whole) {
        on_whole(connection);
      } else {
        if (connection.is_busy) ++errors_;
        close(connection.fd);
        connection = {};
        if (!open_connection(connection, options_.port, epoll_, index)) return false;
      }
      idle_.push_back(index);
      return true;
    }
  }

  void on_whole(Connection& connection) {
    const auto took = Clock::now() - connection.due;
    latencies_.push_back(
        static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
    connection.is_busy = false;
  }

  /// Of the sorted latencies.
  std::uint32_t latency_at(double share) const {
    if (latencies_.empty()) return 0;
    const auto at = static_cast<std::size_t>(share * static_cast<double>(latencies_.size()));
    return latencies_[std::min(latencies_.size() - 1, at)];
  }

  const Options options_;
  const std::string request_;
  const std::uint64_t total_;
  const int epoll_;
  std::vector<Connection> connections_;
  std::vector<std::uint32_t> idle_;
  std::deque<Clock::time_point> waiting_;  // when those were due that no connection was idle for
  std::vector<std::uint32_t> latencies_;   // microseconds
  std::uint64_t errors_ = 0;
  std::uint64_t next_ = 0;
  Clock::time_point start_{};
};

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  if (options.port == 0) {
    return std::fprintf(stderr,
                        "usage: open_loop --port P --rate R [--seconds S] [--connections N] [--path /100] "
                        "[--header 'Name: value']\n"),
           2;
  }
  Load load(options);
  if (!load.run()) return std::perror("open_loop"), 1;
  load.print_results();
  return load.has_errors() ? 1 : 0;
}
