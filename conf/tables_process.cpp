#include "conf/draft.h"
#include "conf/names.h"
#include "conf/words.h"

// The tables that concern the whole process: [server], [[listen]], [sessions], [timeouts], [limits].
namespace holdfast::conf {

namespace {

using namespace std::chrono_literals;

bool is_false(const TomlNode& node) { return node.is(TomlNode::Kind::Boolean) && !node.boolean; }

Table<Server> make_log_table() {
  Table<Server> t;
  t.choice("level", &Server::log_level, kLogLevelNames);
  t.choice("format", &Server::log_format, kLogFormatNames);
  return t;
}

bool has_access_log(const Server& server) { return !server.access_log_path.empty(); }

Table<Server> make_access_log_table() {
  Table<Server> t;
  t.text("path", "file path or \"-\"", &Server::access_log_path, parse_file_path).required();
  t.choice("format", &Server::access_log_format, kLogFormatNames)
      .only(has_access_log, "path", "an access log with a path");
  return t;
}

}  // namespace

const Table<Server>& server_table() {
  static const Table<Server> log = make_log_table();
  static const Table<Server> access_log = make_access_log_table();
  static const Table<Server> table = [] {
    Table<Server> t;
    t.integer("workers", &Server::workers, 0, 1024);
    t.duration("shutdown_deadline", &Server::shutdown_deadline, 0s);
    t.duration("upgrade_deadline", &Server::upgrade_deadline, 0s);
    t.text("state_dir", "folder path", &Server::state_dir, parse_file_path);
    t.group("log", log);
    t.group("access_log", access_log);
    t.choice("traceparent", &Server::traceparent, kTraceparentNames);
    return t;
  }();
  return table;
}

const Table<ListenDraft>& listen_table() {
  static const Table<ListenDraft> table = [] {
    Table<ListenDraft> t;
    t.endpoint("address", &Listen::address, 0).required();
    t.texts<Listen, Cidr>("trusted_proxies", "address range", &Listen::trusted_proxies, parse_cidr,
                          [](const Cidr& range) { return range.text; });
    t.later("proxy_protocol", is_false);
    t.later("tls");
    return t;
  }();
  return table;
}

const Table<Sessions>& sessions_table() {
  static const Table<Sessions> table = [] {
    Table<Sessions> t;
    t.choice("store", &Sessions::store, kSessionStoreNames);
    t.duration("idle_timeout", &Sessions::idle_timeout, 1s);
    t.integer("sessions_max", &Sessions::sessions_max, 1, 100'000'000);
    t.text("secret_file", "file path", &Sessions::secret_file, parse_file_path);
    return t;
  }();
  return table;
}

const Table<Timeouts>& timeouts_table() {
  static const Table<Timeouts> table = [] {
    Table<Timeouts> t;
    t.duration("request_head", &Timeouts::request_head, 1ms);
    t.duration("client_idle", &Timeouts::client_idle, 1ms);
    t.duration("connect", &Timeouts::connect, 1ms);
    t.duration("response", &Timeouts::response, 1ms);
    t.duration("body_idle", &Timeouts::body_idle, 1ms);
    t.duration("tunnel_idle", &Timeouts::tunnel_idle, 1ms);
    t.duration("queue", &Timeouts::queue, 1ms);
    t.duration("backend_idle", &Timeouts::backend_idle, 1ms);
    return t;
  }();
  return table;
}

const Table<Limits>& limits_table() {
  static const Table<Limits> table = [] {
    Table<Limits> t;
    t.size("request_head_bytes", &Limits::request_head_bytes, 1u << 10, 64u << 10);
    t.size("request_body_bytes", &Limits::request_body_bytes, 0, kSizeMax);
    t.size("response_head_bytes", &Limits::response_head_bytes, 1u << 10, 64u << 10);
    t.integer("headers", &Limits::headers, 8, 1024);
    t.integer("connections", &Limits::connections, 1, 10'000'000);
    t.integer("queue", &Limits::queue, 0, 1'000'000);
    t.integer("backend_idle", &Limits::backend_idle, 0, 65'536);
    return t;
  }();
  return table;
}

}  // namespace holdfast::conf
