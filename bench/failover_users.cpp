// The users of the failover benchmark: an open loop of browsers. Each has a cookie jar, at most six connections, and
// does what the schedule says when it says so, however the last response fares; time counts from when a request was
// due. One line a request goes to a file, to be judged elsewhere (bench/judge.py). With two proxies each connection
// goes to the next one, as behind a balancer of connections, and to the other where one refuses.
//
// Like a browser it sends a request once more where none of it can have been executed (refused), or where it is safe
// and the connection broke before any byte of a response; never a POST that has gone out.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bench/response_text.h"

using namespace holdfast::bench;

namespace {

using Us = std::int64_t;  // microseconds; of the schedule's time unless a name says otherwise
constexpr std::size_t kConnectionsMax = 6;
constexpr int kTriesMax = 3;

Us monotonic_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

struct Options {
  std::string schedule;
  std::string out;
  std::vector<int> ports;
  Us start = 0;  // the schedule's zero, on the monotonic clock
  Us patience = 10'000'000;
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view key = argv[i];
    if (key == "--schedule") options.schedule = argv[i + 1];
    if (key == "--out") options.out = argv[i + 1];
    if (key == "--port") options.ports.push_back(std::atoi(argv[i + 1]));
    if (key == "--start-us") options.start = std::atoll(argv[i + 1]);
    if (key == "--patience-us") options.patience = std::atoll(argv[i + 1]);
  }
  return options;
}

struct Request {
  Us due = 0;
  std::size_t user = 0;
  std::string method;
  std::string path;
  std::string id;
  Us start = -1;
  Us end = -1;
  int tries = 0;
  int status = 0;
  std::string backend = "-";
  const char* error = "-";  // refused, cut, gave_up
  bool is_login() const { return path == "/login"; }
  bool is_over() const { return end >= 0; }
};

struct Connection {
  int fd = -1;
  std::size_t user = 0;
  std::size_t proxy = 0;
  std::size_t request = 0;
  std::uint32_t number = 0;  // descriptors are used again, numbers never
  bool is_busy = false;
  bool is_connected = false;
  std::string input = {};
};

struct User {
  CookieJar jar;
  std::vector<int> connections;     // idle and busy
  std::deque<std::size_t> waiting;  // for a login, or a free connection
  std::size_t turn = 0;             // whose proxy is next
  bool is_logged_in = false;
  bool login_under_way = false;
  std::size_t logins = 0;
};

class Crowd {
 public:
  explicit Crowd(Options options) : options_(std::move(options)), epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

  bool read_schedule() {
    std::ifstream in(options_.schedule);
    Request request;
    while (in >> request.due >> request.user >> request.method >> request.path) {
      request.id = std::to_string(request.user) + "." + std::to_string(scheduled_.size());
      scheduled_.push_back(request);
      users_.resize(std::max(users_.size(), request.user + 1));
    }
    return !scheduled_.empty();
  }

  void run() {
    std::size_t next = 0;
    Us said = now();
    const Us last = scheduled_.back().due + options_.patience;
    while ((next < scheduled_.size() || open_ > 0) && now() < last) {
      for (; next < scheduled_.size() && scheduled_[next].due <= now(); ++next) {
        lag_ = std::max(lag_, now() - scheduled_[next].due);
        on_due(scheduled_[next]);
      }
      while (!given_up_at_.empty() && requests_[given_up_at_.front()].due + options_.patience <= now()) {
        give_up(given_up_at_.front());
        given_up_at_.pop_front();
      }
      wait(next < scheduled_.size() ? scheduled_[next].due - now() : 100'000);
      if (now() - said >= 1'000'000) print_progress(said += 1'000'000);
    }
  }

  bool write_results() const {
    std::ofstream out(options_.out);
    out << "user\tdue_us\tstart_us\tend_us\tmethod\tpath\tstatus\tbackend\tid\terror\ttries\n";
    for (const Request& r : requests_) {
      const char* error = r.is_over() ? r.error : "gave_up";
      out << r.user << '\t' << r.due << '\t' << r.start << '\t' << (r.is_over() ? r.end : now()) << '\t' << r.method
          << '\t' << r.path << '\t' << r.status << '\t' << r.backend << '\t' << r.id << '\t' << error << '\t' << r.tries
          << '\n';
    }
    return out.good();
  }

 private:
  Us now() const { return monotonic_us() - options_.start; }

  void print_progress(Us at) {
    std::printf("%lld %zu %zu %zu %lld\n", static_cast<long long>(at / 1'000'000), requests_.size() - open_, open_,
                errors_, static_cast<long long>(lag_));
    std::fflush(stdout);
  }

  void on_due(const Request& scheduled) {
    if (scheduled.is_login()) return log_in(scheduled.user);
    users_[scheduled.user].waiting.push_back(add(scheduled));
    go_on(scheduled.user);
  }

  std::size_t add(const Request& request) {
    requests_.push_back(request);
    ++open_;
    given_up_at_.push_back(requests_.size() - 1);
    return requests_.size() - 1;
  }

  void log_in(std::size_t number) {
    User& user = users_[number];
    if (user.is_logged_in || user.login_under_way) return;
    user.login_under_way = true;
    const std::size_t request = add({.due = now(),
                                     .user = number,
                                     .method = "POST",
                                     .path = "/login",
                                     .id = std::to_string(number) + ".login" + std::to_string(++user.logins)});
    user.waiting.push_front(request);
    go_on(number);
  }

  /// Sends what may be sent: nothing but the login without one.
  void go_on(std::size_t number) {
    User& user = users_[number];
    while (!user.waiting.empty()) {
      const std::size_t request = user.waiting.front();
      if (!user.is_logged_in && !requests_[request].is_login()) {
        if (!user.login_under_way) log_in(number);
        return;
      }
      const int idle = idle_connection(user);
      if (idle < 0 && user.connections.size() >= kConnectionsMax) return;
      user.waiting.pop_front();
      if (requests_[request].start < 0) requests_[request].start = now();
      if (idle >= 0) {
        send_on(connections_.at(idle), request);
      } else {
        dial(user.turn++ % options_.ports.size(), request);
      }
    }
  }

  /// The one that has rested longest, so that all take their turn.
  int idle_connection(User& user) {
    for (std::size_t i = 0; i < user.connections.size(); ++i) {
      const int fd = user.connections[i];
      if (connections_.at(fd).is_busy) continue;
      user.connections.erase(user.connections.begin() + static_cast<std::ptrdiff_t>(i));
      user.connections.push_back(fd);
      return fd;
    }
    return -1;
  }

  void dial(std::size_t proxy, std::size_t number) {
    Request& request = requests_[number];
    ++request.tries;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(options_.ports[proxy]));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 && errno != EINPROGRESS) {
      close(fd);
      return on_refused(proxy, number);
    }
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.u64 = std::uint64_t{++numbers_} << 32 | static_cast<std::uint32_t>(fd);
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
    connections_[fd] = {
        .fd = fd, .user = request.user, .proxy = proxy, .request = number, .number = numbers_, .is_busy = true};
    users_[request.user].connections.push_back(fd);
  }

  void on_refused(std::size_t proxy, std::size_t number) {
    if (requests_[number].tries < kTriesMax && options_.ports.size() > 1) {
      return dial((proxy + 1) % options_.ports.size(), number);
    }
    finish(number, "refused");
  }

  void send_on(Connection& connection, std::size_t number) {
    Request& request = requests_[number];
    if (connection.is_connected && connection.request != number) ++request.tries;
    connection.is_busy = true;
    connection.request = number;
    const std::string body = request.is_login()         ? "user=u" + std::to_string(request.user)
                             : request.method == "POST" ? "order=17&user=" + std::to_string(request.user)
                                                        : std::string();
    std::string text = request.method + " " + request.path + " HTTP/1.1\r\nHost: bench.example\r\n";
    text += "X-Bench-Id: " + request.id + "\r\n";
    std::string cookies;
    for (const auto& [name, value] : users_[request.user].jar) {
      cookies.append(cookies.empty() ? "Cookie: " : "; ").append(name).append("=").append(value);
    }
    if (!cookies.empty()) text.append(cookies).append("\r\n");
    if (request.method == "POST") text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    if (closes(request.user)) text += "Connection: close\r\n";
    text += "\r\n" + body;
    // So short that a send buffer that was empty takes it whole; a broken connection comes as an event.
    if (send(connection.fd, text.data(), text.size(), MSG_NOSIGNAL) < 0) shutdown(connection.fd, SHUT_RDWR);
  }

  /// Some browsers, and all scripts of some kind, make a connection for each request.
  static bool closes(std::size_t user) { return user % 4 == 0; }

  void wait(Us most) {
    epoll_event events[256];
    const int ms = static_cast<int>(std::clamp<Us>((most + 999) / 1000, 0, 100));
    const int count = epoll_wait(epoll_, events, 256, ms);
    for (int i = 0; i < count; ++i) {
      const auto found = connections_.find(static_cast<int>(events[i].data.u64 & 0xffffffffu));
      if (found == connections_.end() || found->second.number != events[i].data.u64 >> 32) continue;
      on_event(found->second, events[i].events);
    }
  }

  void on_event(Connection& connection, unsigned events) {
    if (!connection.is_connected) {
      int error = 0;
      socklen_t size = sizeof error;
      getsockopt(connection.fd, SOL_SOCKET, SO_ERROR, &error, &size);
      if (error != 0) {
        const auto [proxy, number] = std::pair(connection.proxy, connection.request);
        drop(connection);
        return on_refused(proxy, number);
      }
      if ((events & EPOLLOUT) == 0) return;
      connection.is_connected = true;
      send_on(connection, connection.request);
    }
    read_all(connection);
  }

  void read_all(Connection& connection) {
    char buffer[16384];
    bool has_ended = false;
    for (;;) {
      const ssize_t got = recv(connection.fd, buffer, sizeof buffer, 0);
      if (got > 0) {
        connection.input.append(buffer, static_cast<std::size_t>(got));
        continue;
      }
      has_ended = got == 0 || errno != EAGAIN;
      break;
    }
    if (!connection.is_busy) {
      if (has_ended) drop(connection);
      return;
    }
    const Response response = look_at(connection.input, has_ended);
    if (response.is_whole) return on_response(connection, response);
    if (has_ended) on_broken(connection);
  }

  void on_response(Connection& connection, const Response& response) {
    const std::size_t number = connection.request;
    Request& request = requests_[number];
    const std::string_view head = std::string_view(connection.input).substr(0, response.head);
    request.status = std::atoi(std::string(head.substr(std::min<std::size_t>(9, head.size()), 3)).c_str());
    if (const std::string backend = field(head, "X-Node"); !backend.empty()) request.backend = backend;
    take_cookies(users_[request.user].jar, head);
    connection.input.clear();
    connection.is_busy = false;
    if (response.is_last) drop(connection);
    finish(number, "-");
  }

  void on_broken(Connection& connection) {
    const std::size_t number = connection.request;
    const std::size_t proxy = connection.proxy;
    const bool is_silent = connection.input.empty();
    drop(connection);
    const Request& request = requests_[number];
    if (is_silent && request.method == "GET" && request.tries < kTriesMax) {
      return dial((proxy + 1) % options_.ports.size(), number);
    }
    finish(number, "cut");
  }

  void give_up(std::size_t number) {
    Request& request = requests_[number];
    if (request.is_over()) return;
    User& user = users_[request.user];
    std::erase(user.waiting, number);
    for (const int fd : user.connections) {
      Connection& connection = connections_.at(fd);
      if (!connection.is_busy || connection.request != number) continue;
      drop(connection);
      break;
    }
    finish(number, "gave_up");
  }

  void finish(std::size_t number, const char* error) {
    Request& request = requests_[number];
    request.end = now();
    request.error = error;
    --open_;
    if (request.status != 200) ++errors_;
    User& user = users_[request.user];
    if (request.is_login()) {
      user.login_under_way = false;
      user.is_logged_in = request.status == 200;
      if (!user.is_logged_in) return;  // the next click tries again
    } else if (request.status == 401) {
      user.jar.erase("sid");
      user.is_logged_in = false;
    }
    go_on(request.user);
  }

  void drop(Connection& connection) {
    const int fd = connection.fd;
    std::erase(users_[connection.user].connections, fd);
    connections_.erase(fd);
    close(fd);
  }

  Options options_;
  int epoll_;
  std::vector<Request> scheduled_;
  std::deque<Request> requests_;  // begun, in this order; grows without moving any
  std::deque<std::size_t> given_up_at_;
  std::vector<User> users_;
  std::unordered_map<int, Connection> connections_;
  std::uint32_t numbers_ = 0;
  std::size_t open_ = 0;
  std::size_t errors_ = 0;
  Us lag_ = 0;  // how late we ourselves were at worst: the machine stood still
};

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  Crowd crowd(options);
  if (options.ports.empty() || options.out.empty() || !crowd.read_schedule()) {
    return std::fputs(
               "usage: failover_users --schedule FILE --out FILE --start-us T --patience-us T --port P [--port P]\n",
               stderr),
           2;
  }
  crowd.run();
  return crowd.write_results() ? 0 : 1;
}
