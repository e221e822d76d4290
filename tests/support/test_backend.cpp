#include "tests/support/test_backend.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/text.h"

namespace holdfast::support {
namespace {

constexpr std::size_t kBodyKept = 64u << 10;

bool parse_request_line(const WireHead& head, Arrival& arrival) {
  const std::string_view line = head.first_line;
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last || !line.substr(last + 1).starts_with("HTTP/1.")) return false;
  arrival.method = line.substr(0, first);
  arrival.target = line.substr(first + 1, last - first - 1);
  arrival.id = head.field("X-Test-Id").value_or("");
  return true;
}

bool keeps_alive(const WireHead& head) {
  const auto connection = base::to_lower(head.field("Connection").value_or(""));
  if (head.first_line.ends_with("HTTP/1.0")) return connection.find("keep-alive") != std::string::npos;
  return connection.find("close") == std::string::npos;
}

void raise_to(std::atomic<int>& maximum, int value) {
  for (int seen = maximum; seen < value && !maximum.compare_exchange_weak(seen, value);) {
  }
}

}  // namespace

End Conversation::read_body(const Sink& sink) {
  if (body_was_read_) return arrival_.body_end;
  body_was_read_ = true;
  const auto& head = arrival_.head;
  if (!sent_something_ && base::iequals(head.field("Expect").value_or(""), "100-continue"))
    send("HTTP/1.1 100 Continue\r\n\r\n");
  const Sink take = [&](std::string_view bytes) {
    arrival_.body_bytes += bytes.size();
    const auto room = kBodyKept - std::min(kBodyKept, arrival_.body.size());
    arrival_.body.append(bytes.substr(0, room));
    if (sink) sink(bytes);
  };
  if (head.field("Transfer-Encoding")) {
    arrival_.body_end = wire_.read_chunked(take, arrival_.trailers, Deadline{5min});
  } else {
    const auto length = base::parse_decimal(head.field("Content-Length").value_or("0"));
    arrival_.body_end = length ? wire_.read_length(*length, take, Deadline{5min}) : End::Malformed;
  }
  publish();
  return arrival_.body_end;
}

const std::string& Conversation::name() const { return backend_.name(); }

void Conversation::publish() { backend_.update(record_, arrival_); }

bool Conversation::send(std::string_view bytes) {
  sent_something_ = true;
  return wire_.send(bytes, Deadline{5min}) == Io::Ok;
}

void Conversation::leave() {
  if (std::exchange(is_in_flight_, false)) --backend_.in_flight_;
}

bool Conversation::respond(int status, std::string_view body, std::string_view fields) {
  std::string text = "HTTP/1.1 " + std::to_string(status) + " Test\r\nX-Node: " + backend_.name() + "\r\n";
  text.append(fields);
  text += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  if (arrival_.method != "HEAD") text.append(body);
  leave();  // before the proxy can hear of the end and send the next
  return send(text);
}

bool Conversation::work(Clock::duration how_long) {
  std::unique_lock lock(backend_.mutex_);
  return !backend_.changed_.wait_for(lock, how_long, [&] { return backend_.is_stopping(); });
}

bool Conversation::wait(const Latch& latch, Deadline deadline) {
  while (!latch.is_open()) {
    if (backend_.is_stopping() || deadline.passed()) return false;
    latch.wait(Deadline{20ms});
  }
  return true;
}

bool Conversation::wait_for_peer_to_go(Deadline deadline) {
  if (!wire_.is_open()) return true;
  pollfd entry{wire_.socket().get(), POLLRDHUP, 0};
  return ::poll(&entry, 1, deadline.poll_ms()) > 0;
}

// Under the lock: crash() looks at the sockets of other threads.
void Conversation::close() {
  const std::lock_guard lock(backend_.mutex_);
  wire_ = Wire{};
}

void Conversation::reset() {
  const std::lock_guard lock(backend_.mutex_);
  support::reset(wire_.socket());
}

void Conversation::echo() {
  std::array<char, 65536> chunk;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by the read
  if (!send(wire_.take_rest())) return;
  while (true) {
    const Got got = receive_some(wire_.socket(), chunk, Deadline{5min});
    if (got.io != Io::Ok || !send({chunk.data(), got.bytes})) return close();
  }
}

TestBackend::TestBackend(std::string name, std::string host)
    : name_(std::move(name)), host_(std::move(host)), reservation_(reserve_port(0, host_.c_str())) {
  base::check(reservation_.is_open(), "a port can be reserved");
  port_ = port_of(reservation_);
  restart();
}

TestBackend::~TestBackend() {
  crash();
  reap();
}

void TestBackend::on(std::string_view path, Script script) {
  const std::lock_guard lock(mutex_);
  scripts_.insert_or_assign(std::string(path), std::move(script));
}

void TestBackend::restart() {
  crashing_ = false;
  listener_ = listen_on(port_, host_.c_str());
  base::check(listener_.is_open(), "a backend's own port can be listened on");
  acceptor_ = std::thread([this] { accept_all(listener_); });
}

void TestBackend::refuse() {
  if (!acceptor_.joinable()) return;
  ::shutdown(listener_.get(), SHUT_RDWR);  // wakes the acceptor
  acceptor_.join();
  listener_.close();
}

void TestBackend::crash() {
  refuse();
  {
    const std::lock_guard lock(mutex_);
    crashing_ = true;
    for (Connection& connection : open_) {
      if (connection.over || !connection.wire.is_open()) continue;
      break_connection(connection.wire.socket());  // its thread wakes and closes it
    }
    changed_.notify_all();
  }
  reap();
}

void TestBackend::reap() {
  std::list<Connection> leaving;
  {
    const std::lock_guard lock(mutex_);
    leaving.swap(open_);
  }
  for (Connection& connection : leaving) connection.thread.join();
}

void TestBackend::accept_all(const Fd& listener) {
  while (true) {
    Fd socket = accept_from(listener, Deadline{24h});
    if (!socket.is_open()) return;
    const int number = ++connections_;
    ++open_connections_;
    const std::lock_guard lock(mutex_);
    for (auto at = open_.begin(); at != open_.end();) {
      if (!at->over) {
        ++at;
        continue;
      }
      at->thread.join();
      at = open_.erase(at);
    }
    Connection& connection = open_.emplace_back();
    connection.wire = Wire{std::move(socket)};
    connection.thread = std::thread([this, &connection, number] { serve(connection, number); });
  }
}

void TestBackend::serve(Connection& connection, int number) {
  while (!is_stopping() && connection.wire.is_open() && serve_one(connection, number)) {
  }
  {
    const std::lock_guard lock(mutex_);
    connection.wire = Wire{};
  }
  --open_connections_;
  connection.over = true;
}

bool TestBackend::serve_one(Connection& connection, int number) {
  Conversation conversation(*this, connection.wire);
  Arrival& arrival = conversation.arrival_;
  arrival.connection = number;
  if (connection.wire.read_head(arrival.head, Deadline{24h}) != End::Whole) return false;
  if (!parse_request_line(arrival.head, arrival)) return false;
  if (arrival.target == "/health") {
    ++health_checks_;
    return conversation.respond(200, "ok") && keeps_alive(arrival.head);
  }
  raise_to(in_flight_max_, ++in_flight_);  // before anybody can hear of the arrival
  conversation.is_in_flight_ = true;
  conversation.record_ = record(arrival);
  if (const Script script = script_for(arrival.target)) {
    script(conversation);
  } else if (conversation.read_body() == End::Whole) {
    conversation.respond(200, name_);
  }
  conversation.leave();
  if (!connection.wire.is_open() || conversation.read_body() != End::Whole) return false;
  return keeps_alive(arrival.head);
}

TestBackend::Script TestBackend::script_for(std::string_view target) const {
  const std::lock_guard lock(mutex_);
  auto found = scripts_.find(target.substr(0, target.find('?')));
  if (found == scripts_.end()) found = scripts_.find("*");
  return found == scripts_.end() ? Script{} : found->second;
}

std::size_t TestBackend::record(const Arrival& arrival) {
  const std::lock_guard lock(mutex_);
  arrivals_.push_back(arrival);
  changed_.notify_all();
  return arrivals_.size() - 1;
}

void TestBackend::update(std::size_t at, const Arrival& arrival) {
  const std::lock_guard lock(mutex_);
  arrivals_[at] = arrival;
  changed_.notify_all();
}

std::vector<Arrival> TestBackend::arrivals() const {
  const std::lock_guard lock(mutex_);
  return arrivals_;
}

std::size_t TestBackend::count(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(
      std::ranges::count_if(arrivals_, [&](const Arrival& a) { return id.empty() || a.id == id; }));
}

std::size_t TestBackend::executed(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::ranges::count_if(
      arrivals_, [&](const Arrival& a) { return (id.empty() || a.id == id) && a.body_end == End::Whole; }));
}

bool TestBackend::wait_for_count(std::size_t wanted, Deadline deadline) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, deadline.due(), [&] { return arrivals_.size() >= wanted; });
}

}  // namespace holdfast::support
