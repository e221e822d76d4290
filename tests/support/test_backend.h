#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/support/wire.h"

namespace holdfast::support {

/// A request as a backend met it.
struct Arrival {
  WireHead head;
  std::string method;
  std::string target;
  std::string id;                ///< Value of the test's own field "X-Test-Id"; may be empty.
  std::uint64_t body_bytes = 0;  ///< So far.
  std::string body;              ///< The first 64 KiB.
  std::vector<WireField> trailers;
  End body_end = End::Nothing;  ///< Whole: the request reached its end, so the app would have run it.
  int connection = 0;           ///< Counts from 1.
};

class TestBackend;

/// One request and whatever a scripted backend does with it. Lives on the connection's thread.
class Conversation {
 public:
  const Arrival& arrival() const { return arrival_; }
  Wire& wire() { return wire_; }
  /// The backend's.
  const std::string& name() const;

  /// Reads the request's body to its end, and passes it on. Answers "100 Continue" first when the client waits for it.
  End read_body(const Sink& sink = nullptr);
  bool send(std::string_view bytes);
  /// A whole response with Content-Length; `fields` are complete lines.
  bool respond(int status, std::string_view body, std::string_view fields = {});
  /// A stretch of work: waits that long, or until the backend is stopped (then false).
  bool work(Clock::duration how_long);
  /// False when the backend was stopped or the deadline passed first.
  bool wait(const Latch& latch, Deadline deadline = Deadline{});
  /// Waits until the proxy has ended or broken this connection.
  bool wait_for_peer_to_go(Deadline deadline = Deadline{});
  /// Ends the connection in order, or with RST, after what was sent.
  void close();
  void reset();
  /// Sends back all that comes until the peer ends its side; then ends, too.
  void echo();

 private:
  friend class TestBackend;
  Conversation(TestBackend& backend, Wire& wire) : backend_(backend), wire_(wire) {}
  void publish();
  void leave();

  TestBackend& backend_;
  Wire& wire_;
  Arrival arrival_;
  std::size_t record_ = 0;
  bool body_was_read_ = false;
  bool sent_something_ = false;
  bool is_in_flight_ = false;
};

/// A backend inside the test: a thread for each connection, a script for each path.
///
/// Without a script for a path it answers 200 with its name as the body, and the health path "/health" with 200; health
/// requests are counted apart. The port stays reserved while the backend is away. Scripts run on connection threads.
class TestBackend {
 public:
  using Script = std::function<void(Conversation&)>;

  explicit TestBackend(std::string name, std::string host = kLoopback);
  TestBackend(const TestBackend&) = delete;
  TestBackend& operator=(const TestBackend&) = delete;
  ~TestBackend();

  const std::string& name() const { return name_; }
  const std::string& host() const { return host_; }
  std::uint16_t port() const { return port_; }

  /// `path` is matched against the target without its query; "*": any other path. Before traffic begins.
  void on(std::string_view path, Script script);

  /// Closes the listener: new connections are refused, open ones go on.
  void refuse();
  /// refuse(), and breaks every open connection with RST: what kill -9 does to a busy server.
  void crash();
  /// Listens again on the same port.
  void restart();

  std::vector<Arrival> arrivals() const;
  /// Requests whose head came whole, health checks left out; `id` empty: all.
  std::size_t count(std::string_view id = {}) const;
  /// Those of them whose body came whole.
  std::size_t executed(std::string_view id = {}) const;
  bool wait_for_count(std::size_t wanted, Deadline deadline = Deadline{}) const;
  std::size_t health_checks() const { return health_checks_; }
  int connections() const { return connections_; }
  int open_connections() const { return open_connections_; }
  /// Requests whose respond() has not begun; of those that answer by send(), whose script has not ended.
  int in_flight() const { return in_flight_; }
  int in_flight_max() const { return in_flight_max_; }

 private:
  friend class Conversation;
  struct Connection {
    Wire wire;
    std::atomic<bool> over = false;
    std::thread thread;
  };

  void accept_all(const Fd& listener);
  void serve(Connection& connection, int number);
  bool serve_one(Connection& connection, int number);
  Script script_for(std::string_view target) const;
  std::size_t record(const Arrival& arrival);
  void update(std::size_t at, const Arrival& arrival);
  void reap();
  bool is_stopping() const { return crashing_.load(); }

  const std::string name_;
  const std::string host_;
  Fd reservation_;
  std::uint16_t port_ = 0;
  Fd listener_;
  std::thread acceptor_;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::map<std::string, Script, std::less<>> scripts_;  // guarded by mutex_
  std::vector<Arrival> arrivals_;                       // guarded by mutex_
  std::list<Connection> open_;                          // guarded by mutex_
  std::atomic<bool> crashing_ = false;
  std::atomic<std::size_t> health_checks_ = 0;
  std::atomic<int> connections_ = 0;
  std::atomic<int> open_connections_ = 0;
  std::atomic<int> in_flight_ = 0;
  std::atomic<int> in_flight_max_ = 0;
};

}  // namespace holdfast::support
