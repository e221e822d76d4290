#include "tests/support/http_client.h"

#include "base/text.h"

namespace holdfast::support {
namespace {

std::optional<int> status_of(std::string_view line) {
  const bool known = line.starts_with("HTTP/1.1 ") || line.starts_with("HTTP/1.0 ");
  if (!known || line.size() < 12 || (line.size() > 12 && line[12] != ' ')) return std::nullopt;
  const auto number = base::parse_decimal(line.substr(9, 3));
  return number && *number >= 100 ? std::optional<int>(static_cast<int>(*number)) : std::nullopt;
}

bool has_no_body(int status, std::string_view method) {
  return method == "HEAD" || status == 204 || status == 304 || (status >= 100 && status < 200);
}

bool asks_to_close(const Response& response) {
  const auto connection = base::to_lower(response.field("Connection").value_or(""));
  if (connection.find("close") != std::string::npos) return true;
  return response.head.first_line.starts_with("HTTP/1.0") && connection.find("keep-alive") == std::string::npos;
}

bool ends_cookie(std::string_view attributes) {
  const std::string lower = base::to_lower(attributes);
  return lower.find("max-age=0") != std::string::npos || lower.find("01 jan 1970") != std::string::npos;
}

}  // namespace

std::string Response::text() const {
  return refused
             ? "refused"
             : std::to_string(status) + " " + std::string(name_of(end)) + " " + std::to_string(body_bytes) + " bytes";
}

std::optional<std::string> set_cookie_of(const Response& response, std::string_view name) {
  for (const auto& field : response.head.fields) {
    if (base::iequals(field.name, "Set-Cookie") && field.value.starts_with(std::string(name) + "=")) {
      return field.value.substr(name.size() + 1);
    }
  }
  return std::nullopt;
}

std::string request_text(const HttpClient::Request& request, std::string_view cookie_field) {
  std::string text = request.method + " " + request.target + " HTTP/1.1\r\nHost: " + request.host + "\r\n";
  for (const auto& field : request.fields) text += field.name + ": " + field.value + "\r\n";
  if (!cookie_field.empty()) text.append("Cookie: ").append(cookie_field).append("\r\n");
  const bool sends_body =
      !request.body.empty() || request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (sends_body) text += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  return text + "\r\n" + request.body;
}

std::string HttpClient::cookie_field() const {
  std::string text;
  for (const auto& [name, value] : cookies_)
    text.append(text.empty() ? "" : "; ").append(name).append("=").append(value);
  return text;
}

bool HttpClient::connect(Deadline deadline) {
  wire_ = Wire{connect_to(port_, deadline)};
  return wire_.is_open();
}

void HttpClient::close() {
  if (is_open()) received_ = wire_.received();
  wire_ = Wire{};
}

void HttpClient::reset() {
  received_ = wire_.received();
  support::reset(wire_.socket());
}

bool HttpClient::send(std::string_view raw, Deadline deadline) {
  return (wire_.is_open() || connect(deadline)) && wire_.send(raw, deadline) == Io::Ok;
}

Response HttpClient::request(const Request& request, Deadline deadline) {
  if (wire_.is_open() && peer_has_gone(wire_.socket())) close();
  if (!wire_.is_open() && !connect(deadline)) {
    Response refused;
    refused.refused = true;
    return refused;
  }
  // A failed send is no response yet: the peer may have answered early and closed.
  wire_.send(request_text(request, cookie_field()), deadline);
  return receive(request.method, deadline);
}

Response HttpClient::get(std::string_view target, std::vector<WireField> fields, Deadline deadline) {
  return request({.target = std::string(target), .fields = std::move(fields)}, deadline);
}

Response HttpClient::post(std::string_view target, std::string_view body, std::vector<WireField> fields,
                          Deadline deadline) {
  return request(
      {.method = "POST", .target = std::string(target), .fields = std::move(fields), .body = std::string(body)},
      deadline);
}

Response HttpClient::receive(std::string_view method, Deadline deadline, const Sink& sink) {
  Response response;
  while (true) {
    response.end = wire_.read_head(response.head, deadline);
    if (response.end != End::Whole) return close(), response;
    const auto status = status_of(response.head.first_line);
    if (!status) return close(), response.end = End::Malformed, response;
    response.status = *status;
    if (*status >= 200 || *status == 101) break;
    response.interim.push_back(response.head);
  }
  keep_cookies(response);
  if (response.status == 101) return response;
  response.end = read_body(response, method, sink, deadline);
  if (response.end != End::Whole || asks_to_close(response)) {
    if (response.end == End::Whole && wire_.is_open() && wait_for_end(deadline) == End::Malformed)
      response.end = End::Malformed;
    close();
  }
  return response;
}

End HttpClient::read_body(Response& response, std::string_view method, const Sink& sink, Deadline deadline) {
  const Sink take = [&](std::string_view bytes) {
    response.body_bytes += bytes.size();
    sink ? sink(bytes) : static_cast<void>(response.body.append(bytes));
  };
  const auto coding = response.field("Transfer-Encoding");
  const auto length = response.field("Content-Length");
  if (has_no_body(response.status, method)) return End::Whole;
  if (coding) {
    if (length || !base::iequals(*coding, "chunked")) return End::Malformed;
    return wire_.read_chunked(take, response.trailers, deadline);
  }
  if (!length) return wire_.read_until_close(take, deadline);
  const auto bytes = base::parse_decimal(*length);
  return bytes ? wire_.read_length(*bytes, take, deadline) : End::Malformed;
}

End HttpClient::wait_for_end(Deadline deadline) {
  std::string line;
  if (wire_.has_rest()) return End::Malformed;
  const End end = wire_.read_line(line, deadline);
  if (end == End::Truncated && !wire_.has_rest()) return End::Nothing;
  return end == End::Reset || end == End::Timeout ? end : End::Malformed;
}

void HttpClient::keep_cookies(const Response& response) {
  for (const auto& field : response.head.fields) {
    if (!base::iequals(field.name, "Set-Cookie")) continue;
    const auto equals = field.value.find('=');
    if (equals == std::string::npos) continue;
    const auto end = std::min(field.value.find(';'), field.value.size());
    const std::string name = field.value.substr(0, equals);
    if (ends_cookie(std::string_view(field.value).substr(end))) {
      cookies_.erase(name);
    } else {
      cookies_[name] = field.value.substr(equals + 1, end - equals - 1);
    }
  }
}

}  // namespace holdfast::support
