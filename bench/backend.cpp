// A fast backend for benchmarks: one thread, edge-triggered epoll, answers prepared once. GET /N answers N bytes,
// any POST is counted and answered "ok". It trusts its input: never for anything but a benchmark.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace {

struct Connection {
  int fd = -1;
  std::string input;     // of a head that is not whole
  std::size_t body = 0;  // bytes of a request's body still to come
  std::string output;    // what the client has not taken yet
  std::size_t sent = 0;
};

std::unordered_map<std::size_t, std::string> g_responses;

const std::string& response_of(std::size_t bytes) {
  auto& response = g_responses[bytes];
  if (response.empty()) {
    response =
        "HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(bytes) +
        "\r\n\r\n" + std::string(bytes, 'x');
  }
  return response;
}

bool flush(Connection& connection) {
  while (connection.sent < connection.output.size()) {
    const ssize_t sent = send(connection.fd, connection.output.data() + connection.sent,
                              connection.output.size() - connection.sent, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    connection.sent += static_cast<std::size_t>(sent);
  }
  connection.output.clear();
  connection.sent = 0;
  return true;
}

bool reply(Connection& connection, const std::string& response) {
  if (!connection.output.empty()) return connection.output += response, true;
  const ssize_t sent = send(connection.fd, response.data(), response.size(), MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN) return false;
  if (sent < static_cast<ssize_t>(response.size()))
    connection.output.assign(response, static_cast<std::size_t>(sent < 0 ? 0 : sent));
  return true;
}

std::size_t number_after(std::string_view text, std::string_view label) {
  const std::size_t at = text.find(label);
  return at == std::string_view::npos ? 0 : std::strtoull(text.data() + at + label.size(), nullptr, 10);
}

/// Answers every whole request in `text`; what is left of a head stays in connection.input.
bool serve(Connection& connection, std::string_view text) {
  while (!text.empty()) {
    if (connection.body > 0) {
      const std::size_t taken = std::min(connection.body, text.size());
      connection.body -= taken;
      text.remove_prefix(taken);
      if (connection.body == 0 && !reply(connection, response_of(2))) return false;
      continue;
    }
    const std::size_t end = text.find("\r\n\r\n");
    if (end == std::string_view::npos) break;
    const std::string_view head = text.substr(0, end + 2);
    text.remove_prefix(end + 4);
    if (head.starts_with("POST")) {
      connection.body = number_after(head, "Content-Length: ");
      if (connection.body == 0 && !reply(connection, response_of(2))) return false;
    } else if (!reply(connection, response_of(number_after(head, " /")))) {
      return false;
    }
  }
  connection.input.assign(text);
  return true;
}

bool on_readable(Connection& connection) {
  static char buffer[1 << 18];
  for (;;) {
    const ssize_t got = recv(connection.fd, buffer, sizeof buffer, 0);
    if (got < 0) return errno == EAGAIN;
    if (got == 0) return false;
    const std::string_view fresh(buffer, static_cast<std::size_t>(got));
    if (connection.input.empty()) {
      if (!serve(connection, fresh)) return false;
    } else {
      const std::string whole = connection.input.append(fresh);
      if (!serve(connection, whole)) return false;
    }
    if (got < static_cast<ssize_t>(sizeof buffer)) return true;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return std::fprintf(stderr, "usage: backend PORT...\n"), 2;
  const int epoll = epoll_create1(0);
  std::unordered_map<int, std::unique_ptr<Connection>> connections;
  std::unordered_map<int, bool> listeners;
  const auto watch = [&](int fd, unsigned events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  };
  for (int i = 1; i < argc; ++i) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(argv[i])));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(fd, 4096) != 0) {
      return std::perror("backend"), 1;
    }
    listeners[fd] = true;
    watch(fd, EPOLLIN);
  }
  for (;;) {
    epoll_event events[256];
    const int count = epoll_wait(epoll, events, 256, -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      if (listeners.contains(fd)) {
        const int accepted = accept4(fd, nullptr, nullptr, SOCK_NONBLOCK);
        if (accepted < 0) continue;
        auto connection = std::make_unique<Connection>();
        connection->fd = accepted;
        connections[accepted] = std::move(connection);
        watch(accepted, EPOLLIN | EPOLLOUT | EPOLLET | EPOLLRDHUP);
        continue;
      }
      const auto found = connections.find(fd);
      if (found == connections.end()) continue;
      if (!flush(*found->second) || !on_readable(*found->second)) {
        connections.erase(found);
        close(fd);
      }
    }
  }
}
