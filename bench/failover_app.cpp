// The app server of the failover benchmark. Stateless: who is logged in stands in a Redis of the app's own, so any
// process serves any user. It takes a moment for each request, and writes down each request when it has arrived whole:
// what is in that log twice was executed twice. Words on stdin make it ill. One thread, trusts its input.
#include <arpa/inet.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <queue>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

struct Options {
  std::string name = "app";
  std::string host = "127.0.0.1";
  int port = 0;
  std::string redis;  // a unix socket: it can be reached from every network namespace
  std::string log;
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view key = argv[i];
    if (key == "--name") options.name = argv[i + 1];
    if (key == "--host") options.host = argv[i + 1];
    if (key == "--port") options.port = std::atoi(argv[i + 1]);
    if (key == "--redis") options.redis = argv[i + 1];
    if (key == "--log") options.log = argv[i + 1];
  }
  return options;
}

struct Connection {
  int fd = -1;
  std::uint64_t number = 0;  // descriptors are used again, numbers never
  std::string input = {};
  bool is_answering = false;
};

/// What is to be said later.
struct Due {
  Clock::time_point at;
  int fd = -1;
  std::uint64_t number = 0;
  std::string response;
  bool is_end = false;  // the request that kills the process
  bool operator<(const Due& other) const { return at > other.at; }
};

struct Request {
  std::string_view method, path, id, session, body;
};

std::string_view field(std::string_view head, std::string_view name) {
  std::size_t at = head.find("\r\n");
  while (at != std::string_view::npos && at + 2 < head.size()) {
    at += 2;
    const std::size_t end = std::min(head.find("\r\n", at), head.size());
    const std::string_view line = head.substr(at, end - at);
    if (line.size() > name.size() && line[name.size()] == ':' &&
        strncasecmp(line.data(), name.data(), name.size()) == 0) {
      const std::size_t value = line.find_first_not_of(' ', name.size() + 1);
      return value == std::string_view::npos ? std::string_view() : line.substr(value);
    }
    at = head.find("\r\n", end);
  }
  return {};
}

std::string_view cookie(std::string_view cookies, std::string_view name) {
  while (!cookies.empty()) {
    const std::size_t end = std::min(cookies.find(';'), cookies.size());
    std::string_view pair = cookies.substr(0, end);
    while (pair.starts_with(' ')) pair.remove_prefix(1);
    if (pair.starts_with(name) && pair.size() > name.size() && pair[name.size()] == '=') {
      return pair.substr(name.size() + 1);
    }
    cookies.remove_prefix(std::min(end + 1, cookies.size()));
  }
  return {};
}

class App {
 public:
  explicit App(Options options) : options_(std::move(options)), epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

  bool start() {
    redis_.reset(redisConnectUnix(options_.redis.c_str()));
    if (redis_ == nullptr || redis_->err != 0) return false;
    log_ = open(options_.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    return log_ >= 0 && listen_anew() && watch(STDIN_FILENO, EPOLLIN);
  }

  void run() {
    while (!is_over_) {
      epoll_event events[256];
      const int count = epoll_wait(epoll_, events, 256, pause());
      for (int i = 0; i < count; ++i) on_event(events[i].data.fd);
      send_what_is_due();
    }
  }

 private:
  struct FreeRedis {
    void operator()(redisContext* context) const { redisFree(context); }
    void operator()(redisReply* reply) const { freeReplyObject(reply); }
  };

  bool listen_anew() {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(options_.port));
    inet_pton(AF_INET, options_.host.c_str(), &address.sin_addr);
    return bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
           listen(listener_, 4096) == 0 && watch(listener_, EPOLLIN);
  }

  bool watch(int fd, unsigned what) const {
    epoll_event event{};
    event.events = what;
    event.data.fd = fd;
    return epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0;
  }

  int pause() const {
    if (due_.empty()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(due_.top().at - Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1000));
  }

  void on_event(int fd) {
    if (fd == STDIN_FILENO) return on_word();
    if (fd == listener_) return on_client();
    const auto found = connections_.find(fd);
    if (found != connections_.end()) on_readable(found->second);
  }

  void on_word() {
    char text[256];
    const ssize_t got = read(STDIN_FILENO, text, sizeof text - 1);
    if (got <= 0) {
      is_over_ = true;  // who started us is gone
      return;
    }
    text[got] = '\0';
    const std::string_view word(text, static_cast<std::size_t>(got));
    if (word.starts_with("slow ")) slow_ = std::chrono::milliseconds(std::strtol(text + 5, nullptr, 10));
    if (word.starts_with("sick")) is_sick_ = true;
    if (word.starts_with("well")) is_sick_ = false;
    if (word.starts_with("rst")) reset_all();
    if (word.starts_with("listen") && listener_ < 0) listen_anew();
  }

  void reset_all() {
    close(listener_);
    listener_ = -1;
    const linger at_once{1, 0};
    for (const auto& [fd, connection] : connections_) {
      setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
      close(fd);
    }
    connections_.clear();
  }

  void on_client() {
    for (;;) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      connections_[fd] = {.fd = fd, .number = ++numbers_};
      watch(fd, EPOLLIN);
    }
  }

  void on_readable(Connection& connection) {
    char buffer[16384];
    const ssize_t got = recv(connection.fd, buffer, sizeof buffer, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      const int fd = connection.fd;
      connections_.erase(fd);
      close(fd);
      return;
    }
    connection.input.append(buffer, static_cast<std::size_t>(got));
    serve(connection);
  }

  /// One request at a time; a further one waits in the input.
  void serve(Connection& connection) {
    const std::size_t end = connection.input.find("\r\n\r\n");
    if (connection.is_answering || end == std::string::npos) return;
    const std::string_view head = std::string_view(connection.input).substr(0, end + 2);
    const std::string length(field(head, "Content-Length"));
    const std::size_t whole = end + 4 + std::strtoull(length.c_str(), nullptr, 10);
    if (connection.input.size() < whole) return;
    connection.is_answering = true;
    const std::size_t space = std::min(head.find(' '), head.size());
    const std::size_t path_end = std::min(head.find(' ', space + 1), head.size());
    execute(connection, {.method = head.substr(0, space),
                         .path = head.substr(space + 1, path_end - space - 1),
                         .id = field(head, "X-Bench-Id"),
                         .session = cookie(field(head, "Cookie"), "sid"),
                         .body = std::string_view(connection.input).substr(end + 4, whole - end - 4)});
    connection.input.erase(0, whole);
  }

  void execute(const Connection& connection, const Request& request) {
    if (request.path == "/health") {
      write_down("H", {});
      return later(connection, 0ms,
                   is_sick_ ? response_text("503 Service Unavailable", "sick") : response_text("200 OK", "well"));
    }
    write_down("E", request);
    if (request.path == "/crash") {
      due_.push({Clock::now() + 30ms, connection.fd, connection.number, {}, true});
      return;
    }
    later(connection, work(request) + slow_, request.path == "/login" ? log_in(request) : page(request));
  }

  /// How long the request takes: by its id, so that all proxies meet the same work.
  static std::chrono::milliseconds work(const Request& request) {
    std::uint32_t hash = 2166136261u;
    for (const char c : request.id) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
    return request.method == "POST" ? 20ms + std::chrono::milliseconds(hash % 80)
                                    : 5ms + std::chrono::milliseconds(hash % 40);
  }

  void write_down(const char* what, const Request& request) const {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now().time_since_epoch()).count();
    std::string line = std::string(what) + "\t" + std::to_string(us);
    line.append("\t").append(request.id).append("\t").append(request.method).append("\t").append(request.path) += '\n';
    if (write(log_, line.data(), line.size()) < 0) std::perror("failover_app");
  }

  std::string log_in(const Request& request) {
    const std::string session = std::to_string(random_()) + std::to_string(random_());
    const std::string user(request.body.substr(std::min(request.body.find('=') + 1, request.body.size())));
    const std::unique_ptr<redisReply, FreeRedis> reply(
        static_cast<redisReply*>(redisCommand(redis_.get(), "SET login:%s %s", session.c_str(), user.c_str())));
    if (reply == nullptr) return response_text("500 Internal Server Error", "no Redis");
    return response_text("200 OK", "hello " + user, "Set-Cookie: sid=" + session + "; Path=/; HttpOnly\r\n");
  }

  std::string page(const Request& request) {
    const std::string session(request.session);
    const std::unique_ptr<redisReply, FreeRedis> reply(
        static_cast<redisReply*>(redisCommand(redis_.get(), "GET login:%s", session.c_str())));
    if (reply == nullptr) return response_text("500 Internal Server Error", "no Redis");
    if (reply->type != REDIS_REPLY_STRING) return response_text("401 Unauthorized", "who are you?");
    return response_text("200 OK", std::string(reply->str, reply->len) + std::string(1000, '.'));
  }

  std::string response_text(std::string_view status, std::string_view body, std::string_view fields = {}) const {
    std::string text = "HTTP/1.1 ";
    text.append(status).append("\r\nContent-Type: text/plain\r\nCache-Control: no-store\r\nX-Node: ");
    text.append(options_.name).append("\r\n").append(fields);
    return text.append("Content-Length: " + std::to_string(body.size()) + "\r\n\r\n").append(body);
  }

  void later(const Connection& connection, std::chrono::milliseconds time, std::string text) {
    due_.push({Clock::now() + time, connection.fd, connection.number, std::move(text)});
  }

  void send_what_is_due() {
    while (!due_.empty() && due_.top().at <= Clock::now()) {
      const Due now = due_.top();
      due_.pop();
      if (now.is_end) kill(getpid(), SIGKILL);
      const auto found = connections_.find(now.fd);
      if (found == connections_.end() || found->second.number != now.number) continue;
      if (send(now.fd, now.response.data(), now.response.size(), MSG_NOSIGNAL) < 0)
        continue;  // its end comes as an event
      found->second.is_answering = false;
      serve(found->second);
    }
  }

  Options options_;
  int epoll_;
  int listener_ = -1;
  int log_ = -1;
  std::unique_ptr<redisContext, FreeRedis> redis_;
  std::unordered_map<int, Connection> connections_;
  std::uint64_t numbers_ = 0;
  std::priority_queue<Due> due_;
  std::chrono::milliseconds slow_{0};
  bool is_sick_ = false;
  bool is_over_ = false;
  std::mt19937_64 random_{std::random_device{}()};
};

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  if (options.port == 0 || options.redis.empty() || options.log.empty()) {
    return std::fputs("usage: failover_app --name N --host H --port P --redis SOCKET --log FILE\n", stderr), 2;
  }
  App app(options);
  if (!app.start()) return std::perror("failover_app"), 1;
  std::puts("ready");
  std::fflush(stdout);
  app.run();
}
