#include <array>
#include <functional>
#include <thread>

#include "base/log.h"
#include "base/text.h"
#include "tests/support/sample_app_pages.h"

namespace holdfast::support {
namespace {

constexpr std::string_view kCookie = "connect.sid";
constexpr std::uint64_t kFormMax = 4096;

std::string cookie_value(const WireHead& head, std::string_view name) {
  const std::string all = head.field("Cookie").value_or("");
  std::string_view rest = all;
  while (!rest.empty()) {
    const auto end = std::min(rest.find(';'), rest.size());
    const auto pair = base::trim(rest.substr(0, end));
    if (pair.starts_with(name) && pair.size() > name.size() && pair[name.size()] == '=') {
      return std::string(pair.substr(name.size() + 1));
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return {};
}

std::string form_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto hex = [&](char c) { return std::string_view("0123456789abcdef").find(base::lower(c)); };
    if (text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) < 16 && hex(text[i + 2]) < 16) {
      out += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::string form_value(std::string_view form, std::string_view name) {
  while (!form.empty()) {
    const auto end = std::min(form.find('&'), form.size());
    const auto pair = form.substr(0, end);
    const auto equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) == name) return form_decoded(pair.substr(std::min(equals + 1, pair.size())));
    form.remove_prefix(std::min(end + 1, form.size()));
  }
  return {};
}

/// One request and the means to answer it.
struct Visit {
  SampleApp& app;
  Wire& wire;
  AppRequest request = {};
  std::string fields = {};  ///< More field lines of the response.
  bool body_was_read = false;

  End read_body(const Sink& sink) {
    body_was_read = true;
    const auto& head = request.head;
    const bool waits = base::iequals(head.field("Expect").value_or(""), "100-continue");
    if (waits && wire.send("HTTP/1.1 100 Continue\r\n\r\n") != Io::Ok) return End::Reset;
    std::vector<WireField> trailers;
    if (head.field("Transfer-Encoding")) return wire.read_chunked(sink, trailers, Deadline{10min});
    const auto length = base::parse_decimal(head.field("Content-Length").value_or("0"));
    return length ? wire.read_length(*length, sink, Deadline{10min}) : End::Malformed;
  }

  std::string head_of(std::string_view status, std::string_view type, std::uint64_t length) const {
    std::string text = "HTTP/1.1 ";
    text.append(status).append("\r\nContent-Type: ").append(type);
    text.append("\r\nContent-Length: " + std::to_string(length) + "\r\nX-Node: " + app.name + "\r\n");
    text.append("Cache-Control: no-store\r\n").append(fields);
    if (!request.keep_alive) text.append("Connection: close\r\n");
    return text.append("\r\n");
  }

  bool respond(std::string_view status, std::string_view type, std::string_view body) {
    std::string text = head_of(status, type, body.size());
    if (request.method != "HEAD") text.append(body);
    return wire.send(text) == Io::Ok;
  }

  /// Gives the browser a session where it has none.
  void begin_session() {
    if (!request.session.empty()) return;
    request.session = Logins::new_id();
    fields += "Set-Cookie: " + std::string(kCookie) + "=" + request.session + "; Path=/; HttpOnly; SameSite=Lax\r\n";
  }
};

bool see_other(Visit& visit, std::string_view where) {
  visit.fields.append("Location: ").append(where).append("\r\n");
  return visit.respond("303 See Other", "text/plain", "");
}

bool on_home(Visit& visit) {
  visit.begin_session();
  const Login login = visit.app.logins.touch(visit.request.session);
  return visit.respond("200 OK", "text/html; charset=utf-8", home_page(visit.app, login, visit.request));
}

bool on_login(Visit& visit) {
  if (visit.request.method != "POST") {
    return visit.respond("200 OK", "text/html; charset=utf-8", login_page(visit.app));
  }
  std::string form;
  const End end = visit.read_body([&](std::string_view part) {
    if (form.size() + part.size() <= kFormMax) form.append(part);
  });
  if (end != End::Whole) return false;
  visit.begin_session();
  visit.app.logins.touch(visit.request.session);
  visit.app.logins.set_user(visit.request.session, form_value(form, "user"));
  return see_other(visit, "/");
}

bool on_logout(Visit& visit) {
  visit.app.logins.forget(visit.request.session);
  visit.fields += "Set-Cookie: " + std::string(kCookie) + "=; Path=/; Max-Age=0\r\n";
  return see_other(visit, "/");
}

bool on_health(Visit& visit) { return visit.respond("200 OK", "text/plain", "ok"); }

bool on_whoami(Visit& visit) {
  visit.begin_session();
  const Login login = visit.app.logins.touch(visit.request.session);
  std::string body = "{\"node\":\"" + visit.app.name + "\",\"user\":\"";
  base::append_json_escaped(body, login.user);
  body += "\",\"session_requests\":" + std::to_string(login.requests) +
          ",\"node_requests\":" + std::to_string(visit.app.requests.load()) + "}\n";
  return visit.respond("200 OK", "application/json", body);
}

bool on_slow(Visit& visit) {
  const auto ms = base::parse_decimal(visit.request.query_value("ms")).value_or(1000);
  std::this_thread::sleep_for(std::chrono::milliseconds(std::min<std::uint64_t>(ms, 600'000)));
  return visit.respond("200 OK", "text/plain", "done after " + std::to_string(ms) + " ms\n");
}

bool on_bytes(Visit& visit) {
  std::uint64_t left = base::parse_decimal(visit.request.query_value("n")).value_or(1024);
  if (visit.wire.send(visit.head_of("200 OK", "application/octet-stream", left)) != Io::Ok) return false;
  if (visit.request.method == "HEAD") return true;
  const std::string piece(65536, 'x');
  while (left > 0) {
    const auto part = std::min<std::uint64_t>(left, piece.size());
    if (visit.wire.send(std::string_view(piece).substr(0, part), Deadline{10min}) != Io::Ok) return false;
    left -= part;
  }
  return true;
}

bool on_upload(Visit& visit) {
  std::uint64_t bytes = 0;
  if (visit.read_body([&](std::string_view part) { bytes += part.size(); }) != End::Whole) return false;
  return visit.respond("200 OK", "application/json", "{\"bytes\":" + std::to_string(bytes) + "}\n");
}

bool on_websocket(Visit& visit) {
  const auto key = visit.request.head.field("Sec-WebSocket-Key");
  if (!key || !base::iequals(visit.request.head.field("Upgrade").value_or(""), "websocket")) {
    return visit.respond("426 Upgrade Required", "text/plain", "this is a WebSocket\n");
  }
  const std::string head =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: " +
      websocket_accept(*key) + "\r\nX-Node: " + visit.app.name + "\r\n\r\n";
  if (visit.wire.send(head) == Io::Ok) echo_websocket(visit.wire);
  return false;
}

bool route(Visit& visit) {
  struct Row {
    std::string_view path;
    bool (*handler)(Visit&);
  };
  constexpr std::array<Row, 9> kRows{{{"/", on_home},
                                      {"/login", on_login},
                                      {"/logout", on_logout},
                                      {"/health", on_health},
                                      {"/api/whoami", on_whoami},
                                      {"/slow", on_slow},
                                      {"/bytes", on_bytes},
                                      {"/upload", on_upload},
                                      {"/ws", on_websocket}}};
  if (visit.request.path != "/health") {
    ++visit.app.requests;
    if (visit.app.delay.count() > 0) std::this_thread::sleep_for(visit.app.delay);
  }
  for (const Row& row : kRows) {
    if (row.path == visit.request.path) return row.handler(visit);
  }
  return visit.respond("404 Not Found", "text/plain", "no such page\n");
}

bool parse(const WireHead& head, AppRequest& request) {
  const auto first = head.first_line.find(' ');
  const auto last = head.first_line.rfind(' ');
  if (first == std::string::npos || first == last) return false;
  request.method = head.first_line.substr(0, first);
  const std::string target = head.first_line.substr(first + 1, last - first - 1);
  const auto mark = std::min(target.find('?'), target.size());
  request.path = target.substr(0, mark);
  request.query = target.substr(std::min(mark + 1, target.size()));
  const auto connection = base::to_lower(head.field("Connection").value_or(""));
  const bool old = head.first_line.ends_with("HTTP/1.0");
  request.keep_alive = old ? connection == "keep-alive" : connection.find("close") == std::string::npos;
  return true;
}

}  // namespace

std::string AppRequest::query_value(std::string_view name) const { return form_value(query, name); }

void serve_connection(SampleApp& app, Wire wire) {
  while (true) {
    Visit visit{app, wire};
    if (wire.read_head(visit.request.head, Deadline{10min}) != End::Whole || !parse(visit.request.head, visit.request))
      return;
    visit.request.session = cookie_value(visit.request.head, kCookie);
    if (!app.logins.exists(visit.request.session)) visit.request.session.clear();
    if (!route(visit) || !visit.request.keep_alive) return;
    if (!visit.body_was_read && visit.read_body([](std::string_view) {}) != End::Whole) return;
  }
}

}  // namespace holdfast::support
