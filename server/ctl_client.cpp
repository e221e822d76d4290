#include "server/ctl_client.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <span>
#include <system_error>
#include <utility>

#include "base/text.h"
#include "http/body.h"
#include "http/h1_parser.h"

namespace holdfast::server {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::uint16_t kDefaultPort = 8081;
constexpr std::size_t kAnswerMax = 64u << 20;

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&&) = delete;
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

/// One exchange with its deadline; the errors name the address.
class Call {
 public:
  Call(const conf::Endpoint& where, base::Duration patience)
      : where_(where), patience_(patience), due_(std::chrono::steady_clock::now() + patience) {}

  base::Result<Fd> connect() const;
  base::Result<void> send(const Fd& socket, std::string_view bytes) const;
  base::Result<HttpAnswer> receive(const Fd& socket) const;

 private:
  base::Result<Fd> connect_to(const addrinfo& address) const;
  base::Result<void> wait(const Fd& socket, short events) const;
  /// Appends what has come; false at the peer's end.
  base::Result<bool> read_some(const Fd& socket, std::string& into) const;
  base::Result<std::string> read_body(const Fd& socket, const http::Framing& framing, std::string rest) const;
  Error failed(int system_error) const;
  Error malformed(std::string_view why) const;
  Error cut() const;

  const conf::Endpoint& where_;
  base::Duration patience_;
  base::Instant due_;
};

Error Call::failed(int system_error) const {
  if (system_error == ECONNREFUSED) {
    return {
        ErrorCode::Refused,
        fmt::format("{} refused the connection: is holdfast running, and is this its [admin] address?", where_.text())};
  }
  return {ErrorCode::Io, fmt::format("{}: {}", where_.text(), std::system_category().message(system_error))};
}

Error Call::malformed(std::string_view why) const {
  return {ErrorCode::Malformed, fmt::format("{} does not speak HTTP as expected: {}", where_.text(), why)};
}

Error Call::cut() const {
  return {ErrorCode::Closed, fmt::format("{} closed the connection in the middle of its answer", where_.text())};
}

base::Result<void> Call::wait(const Fd& socket, short events) const {
  for (;;) {
    const auto left = due_ - std::chrono::steady_clock::now();
    const auto left_ms = std::max<std::int64_t>(0, base::count_ms(left));
    pollfd watched{socket.get(), events, 0};
    const int ready = ::poll(&watched, 1, static_cast<int>(left_ms));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return failed(errno);
    if (ready == 0) {
      return Error{ErrorCode::Timeout,
                   fmt::format("{} did not answer within {}", where_.text(), base::duration_text(patience_))};
    }
  }
}

base::Result<Fd> Call::connect_to(const addrinfo& address) const {
  Fd socket(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return failed(errno);
  if (::connect(socket.get(), address.ai_addr, address.ai_addrlen) != 0) {
    if (errno != EINPROGRESS) return failed(errno);
    if (const auto waited = wait(socket, POLLOUT); !waited) return waited.error();
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) return failed(error);
  }
  return socket;
}

base::Result<Fd> Call::connect() const {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* raw = nullptr;
  const int error = ::getaddrinfo(where_.host.c_str(), std::to_string(where_.port).c_str(), &hints, &raw);
  if (error != 0) {
    return Error{ErrorCode::Unreachable, fmt::format("{}: {}", where_.host, ::gai_strerror(error))};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(raw, &::freeaddrinfo);
  Error last{ErrorCode::Unreachable, fmt::format("{} has no address", where_.host)};
  for (const addrinfo* address = raw; address != nullptr; address = address->ai_next) {
    auto socket = connect_to(*address);
    if (socket) return socket;
    last = socket.error();
  }
  return last;
}

base::Result<void> Call::send(const Fd& socket, std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      if (auto waited = wait(socket, POLLOUT); !waited) return waited;
    } else if (errno != EINTR) {
      return failed(errno);
    }
  }
  return {};
}

base::Result<bool> Call::read_some(const Fd& socket, std::string& into) const {
  char bytes[16384];
  for (;;) {
    const ssize_t got = ::recv(socket.get(), bytes, sizeof bytes, 0);
    if (got > 0) {
      into.append(bytes, static_cast<std::size_t>(got));
      return true;
    }
    if (got == 0) return false;
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return failed(errno);
    if (const auto waited = wait(socket, POLLIN); !waited) return waited.error();
  }
}

base::Result<HttpAnswer> Call::receive(const Fd& socket) const {
  std::string input;
  std::size_t searched = 0;
  for (;;) {
    http::ResponseHead head;
    const http::Parsed parsed = http::parse_response_head(input, searched, {}, http::Method::Get, head);
    if (parsed.state == http::Parsed::State::Bad) return malformed(parsed.why);
    if (parsed.state == http::Parsed::State::Complete && head.status >= 200) {
      const std::uint16_t status = head.status;
      auto body = read_body(socket, head.framing, input.substr(parsed.consumed));
      if (!body) return body.error();
      return HttpAnswer{.status = status, .body = std::move(*body)};
    }
    if (parsed.state == http::Parsed::State::Complete) {
      input.erase(0, parsed.consumed);
      searched = 0;
      continue;
    }
    searched = input.size();
    const auto more = read_some(socket, input);
    if (!more) return more.error();
    if (!*more) return cut();
  }
}

base::Result<std::string> Call::read_body(const Fd& socket, const http::Framing& framing, std::string rest) const {
  if (framing.kind == http::Framing::Kind::None) return std::string{};
  http::BodyReader reader;
  reader.start(framing);
  std::string body;
  for (;;) {
    const http::BodyReader::Step step = reader.take(std::span(rest));
    if (step.state == http::BodyReader::Step::State::Bad) return malformed(step.why);
    body.append(step.data.data(), step.data.size());
    if (step.state == http::BodyReader::Step::State::Done) return body;
    if (body.size() > kAnswerMax) {
      return Error{ErrorCode::TooLarge, fmt::format("{} sends too long an answer", where_.text())};
    }
    rest.clear();
    const auto more = read_some(socket, rest);
    if (!more) return more.error();
    if (!*more && reader.may_end_here()) return body;
    if (!*more) return cut();
  }
}

base::Result<HttpAnswer> exchange(const conf::Endpoint& where, base::Duration patience, std::string_view request) {
  const Call call(where, patience);
  const auto socket = call.connect();
  if (!socket) return socket.error();
  if (const auto sent = call.send(*socket, request); !sent) return sent.error();
  return call.receive(*socket);
}

}  // namespace

base::Result<conf::Endpoint> parse_admin_url(std::string_view url) {
  const Error bad{ErrorCode::Invalid, fmt::format("\"{}\" is no admin address; expected http://HOST:PORT", url)};
  std::string_view rest = url;
  if (base::to_lower(rest.substr(0, 7)) == "http://") rest.remove_prefix(7);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.empty() || rest.find_first_of("/?#@ \t\r\n") != std::string_view::npos) return bad;

  conf::Endpoint where{.host = {}, .port = kDefaultPort};
  std::size_t host_end = rest.find(':');
  if (rest.front() == '[') {
    host_end = rest.find(']');
    if (host_end == std::string_view::npos) return bad;
    where.host = rest.substr(1, host_end - 1);
    ++host_end;
  } else {
    where.host = rest.substr(0, host_end);
  }
  rest.remove_prefix(std::min(host_end, rest.size()));
  if (where.host.empty()) return bad;
  if (rest.empty()) return where;
  const auto port = rest.front() == ':' ? base::parse_decimal(rest.substr(1)) : std::nullopt;
  if (!port || *port == 0 || *port > 65535) return bad;
  where.port = static_cast<std::uint16_t>(*port);
  return where;
}

namespace {

/// The Authorization line of HOLDFAST_TOKEN; empty where there is none, or one that no line can hold.
std::string authorization_line() {
  const char* const token = std::getenv("HOLDFAST_TOKEN");
  const std::string_view text = token != nullptr ? base::trim(token) : std::string_view{};
  const bool is_plain = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
  return text.empty() || !is_plain ? std::string{} : fmt::format("Authorization: Bearer {}\r\n", text);
}

}  // namespace

base::Result<HttpAnswer> http_get(const conf::Endpoint& where, std::string_view path, base::Duration patience) {
  return exchange(where, patience,
                  fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\n{}Accept: application/json\r\nConnection: close\r\n\r\n",
                              path, where.text(), authorization_line()));
}

base::Result<HttpAnswer> http_post(const conf::Endpoint& where, std::string_view path, std::string_view json,
                                   base::Duration patience) {
  return exchange(where, patience,
                  fmt::format("POST {} HTTP/1.1\r\nHost: {}\r\n{}Accept: application/json\r\nX-Holdfast-Request: 1\r\n"
                              "Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
                              path, where.text(), authorization_line(), json.size(), json));
}

}  // namespace holdfast::server
