// The floor: copies bytes between a client and a backend with edge-triggered epoll, understanding nothing. No proxy
// that reads and writes can cost less. One backend connection for each client connection.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

namespace {

struct End {
  int fd = -1;
  End* other = nullptr;
  bool is_closed = false;
};

sockaddr_in loopback(const char* port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void set_nodelay(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// A write that blocks spins: good enough to measure small messages, and never better than a real proxy.
bool send_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EAGAIN) continue;
      return false;
    }
    data += sent;
    size -= static_cast<std::size_t>(sent);
  }
  return true;
}

void watch(int epoll, End& end) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET | EPOLLRDHUP;
  event.data.ptr = &end;
  epoll_ctl(epoll, EPOLL_CTL_ADD, end.fd, &event);
}

int listen_on(const sockaddr_in& address) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return -1;
  return listen(listener, 4096) == 0 ? listener : -1;
}

/// A client, and a backend connection for it; both belong to nobody until one of them ends.
void accept_one(int listener, const sockaddr_in& backend, int epoll) {
  const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
  if (fd < 0) return;
  const int up = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(up, reinterpret_cast<const sockaddr*>(&backend), sizeof backend) != 0) {
    close(fd);
    close(up);
    return;
  }
  set_nodelay(fd);
  set_nodelay(up);
  auto* client = new End{fd};
  auto* server = new End{up};
  client->other = server;
  server->other = client;
  watch(epoll, *client);
  watch(epoll, *server);
}

/// Copies what there is. False: the connection has ended, on both sides.
bool copy(End& end, unsigned events) {
  static char buffer[65536];
  for (;;) {
    const ssize_t got = recv(end.fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got > 0 && send_all(end.other->fd, buffer, static_cast<std::size_t>(got))) {
      if (got < static_cast<ssize_t>(sizeof buffer) && (events & EPOLLRDHUP) == 0) return true;
      continue;
    }
    if (got < 0 && errno == EAGAIN) return true;
    end.is_closed = end.other->is_closed = true;
    close(end.fd);
    close(end.other->fd);
    return false;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: floor LISTEN_PORT BACKEND_PORT\n"), 2;
  const sockaddr_in backend = loopback(argv[2]);
  const int listener = listen_on(loopback(argv[1]));
  if (listener < 0) return std::perror("floor"), 1;
  const int epoll = epoll_create1(0);
  End accepting{listener};
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = &accepting;
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  std::vector<std::unique_ptr<End>> dead;  // until the events of this turn are done: one may be for them
  for (;;) {
    epoll_event events[256];
    const int count = epoll_wait(epoll, events, 256, -1);
    for (int i = 0; i < count; ++i) {
      End& end = *static_cast<End*>(events[i].data.ptr);
      if (&end == &accepting) {
        accept_one(listener, backend, epoll);
      } else if (!end.is_closed && !copy(end, events[i].events)) {
        dead.emplace_back(&end);
        dead.emplace_back(end.other);
      }
    }
    dead.clear();
  }
}
