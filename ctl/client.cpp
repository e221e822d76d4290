#include "ctl/client.h"

#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <span>
#include <system_error>
#include <utility>

#include "base/text.h"
#include "ctl/stream.h"
#include "http/body.h"
#include "http/h1_parser.h"
#include "net/tls_stream.h"

namespace holdfast::ctl {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::uint16_t kDefaultPort = 8081;
constexpr std::size_t kResponseMax = 64u << 20;

/// One exchange with its deadline; the errors name the address.
class Call {
 public:
  Call(const AdminUrl& where, base::Duration patience)
      : where_(where), patience_(patience), due_(std::chrono::steady_clock::now() + patience) {}

  base::Result<HttpResponse> exchange(std::string_view request);

 private:
  base::Result<std::unique_ptr<net::Stream>> connect() const;
  base::Result<std::unique_ptr<net::Stream>> connect_to(const addrinfo& address) const;
  base::Result<HttpResponse> receive();
  base::Result<std::string> read_body(const http::Framing& framing, std::string rest);
  /// Appends what has come; false at the peer's end.
  base::Result<bool> read_some(std::string& into);
  Error failed(int system_error) const;
  Error failed(const net::IoResult& result) const;
  Error late() const;
  Error malformed(std::string_view why) const;
  Error cut() const;

  const AdminUrl& where_;
  base::Duration patience_;
  base::Instant due_;
  std::unique_ptr<net::Stream> stream_;
  const net::TlsStream* tls_ = nullptr;  // the same, where it is one
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
  return {ErrorCode::Closed, fmt::format("{} closed the connection in the middle of its response", where_.text())};
}

Error Call::late() const {
  return {ErrorCode::Timeout,
          fmt::format("{} did not respond within {}", where_.text(), base::duration_text(patience_))};
}

Error Call::failed(const net::IoResult& result) const {
  if (result.error == ErrorCode::Timeout) return late();
  if (tls_ != nullptr && !tls_->error_text().empty()) {
    return {ErrorCode::Malformed, fmt::format("{}: TLS: {}", where_.text(), tls_->error_text())};
  }
  return {result.error, fmt::format("{}: the connection broke: {}", where_.text(), base::name_of(result.error))};
}

base::Result<std::unique_ptr<net::Stream>> Call::connect_to(const addrinfo& address) const {
  const int fd = ::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return failed(errno);
  std::unique_ptr<net::Stream> stream = std::make_unique<CtlStream>(fd, due_);
  if (::connect(fd, address.ai_addr, address.ai_addrlen) != 0) {
    if (errno != EINPROGRESS) return failed(errno);
    if (!CtlStream::wait(fd, POLLOUT, due_)) return late();
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) return failed(error);
  }
  return stream;
}

base::Result<std::unique_ptr<net::Stream>> Call::connect() const {
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
    auto stream = connect_to(*address);
    if (stream) return stream;
    last = stream.error();
  }
  return last;
}

base::Result<HttpResponse> Call::exchange(std::string_view request) {
  std::shared_ptr<const net::TlsContext> trust;
  if (where_.is_tls) {
    auto made = net::TlsContext::client(where_.ca);
    if (!made) return made.error();
    trust = *made;
  }
  auto connected = connect();
  if (!connected) return connected.error();
  stream_ = std::move(*connected);
  if (trust) {
    auto tls = std::make_unique<net::TlsStream>(trust->connecting(where_.host), std::move(stream_));
    tls_ = tls.get();
    stream_ = std::move(tls);
  }
  const iovec piece{const_cast<char*>(request.data()), request.size()};
  const net::IoResult sent = stream_->write({&piece, 1});
  if (sent.state != net::IoResult::State::Ok) return failed(sent);
  return receive();
}

base::Result<bool> Call::read_some(std::string& into) {
  char bytes[16384];
  const net::IoResult got = stream_->read(bytes);
  if (got.state == net::IoResult::State::Failed) return failed(got);
  into.append(bytes, got.bytes);
  return got.state == net::IoResult::State::Ok;
}

base::Result<HttpResponse> Call::receive() {
  std::string input;
  std::size_t searched = 0;
  for (;;) {
    http::ResponseHead head;
    const http::Parsed parsed = http::parse_response_head(input, searched, {}, http::Method::Get, head);
    if (parsed.state == http::Parsed::State::Bad) return malformed(parsed.why);
    if (parsed.state == http::Parsed::State::Complete && head.status >= 200) {
      const std::uint16_t status = head.status;
      auto body = read_body(head.framing, input.substr(parsed.consumed));
      if (!body) return body.error();
      return HttpResponse{.status = status, .body = std::move(*body)};
    }
    if (parsed.state == http::Parsed::State::Complete) {
      input.erase(0, parsed.consumed);
      searched = 0;
      continue;
    }
    searched = input.size();
    const auto more = read_some(input);
    if (!more) return more.error();
    if (!*more) return cut();
  }
}

base::Result<std::string> Call::read_body(const http::Framing& framing, std::string rest) {
  if (framing.kind == http::Framing::Kind::None) return std::string{};
  http::BodyReader reader;
  reader.start(framing);
  std::string body;
  for (;;) {
    const http::BodyReader::Step step = reader.take(std::span(rest));
    if (step.state == http::BodyReader::Step::State::Bad) return malformed(step.why);
    body.append(step.data.data(), step.data.size());
    if (step.state == http::BodyReader::Step::State::Done) return body;
    if (body.size() > kResponseMax) {
      return Error{ErrorCode::TooLarge, fmt::format("{} sent a response that is too long", where_.text())};
    }
    rest.clear();
    const auto more = read_some(rest);
    if (!more) return more.error();
    if (!*more && reader.may_end_here()) return body;
    if (!*more) return cut();
  }
}

}  // namespace

base::Result<AdminUrl> parse_admin_url(std::string_view url) {
  const Error bad{ErrorCode::Invalid,
                  fmt::format("\"{}\" is not an admin address; expected http://HOST:PORT or https://HOST:PORT", url)};
  std::string_view rest = url;
  AdminUrl where;
  where.port = kDefaultPort;
  where.is_tls = base::to_lower(rest.substr(0, 8)) == "https://";
  if (where.is_tls) {
    rest.remove_prefix(8);
  } else if (base::to_lower(rest.substr(0, 7)) == "http://") {
    rest.remove_prefix(7);
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.empty() || rest.find_first_of("/?#@ \t\r\n") != std::string_view::npos) return bad;

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

base::Result<HttpResponse> http_get(const AdminUrl& where, std::string_view path, base::Duration patience) {
  return Call(where, patience)
      .exchange(fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\n{}Accept: application/json\r\nConnection: close\r\n\r\n",
                            path, where.text(), authorization_line()));
}

base::Result<HttpResponse> http_post(const AdminUrl& where, std::string_view path, std::string_view json,
                                     base::Duration patience) {
  return Call(where, patience)
      .exchange(fmt::format("POST {} HTTP/1.1\r\nHost: {}\r\n{}Accept: application/json\r\nX-Holdfast-Request: 1\r\n"
                            "Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
                            path, where.text(), authorization_line(), json.size(), json));
}

}  // namespace holdfast::ctl
