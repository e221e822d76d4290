#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "conf/draft.h"
#include "conf/names.h"
#include "conf/words.h"

// [pools.NAME.probe]
namespace holdfast::conf {

namespace {

using namespace std::chrono_literals;
using Pairs = std::vector<std::pair<std::string, std::string>>;

constexpr std::size_t kProbeHeadersMax = 32;
constexpr std::size_t kProbeTextMax = 4096;  ///< Of a probe's body, and of the text looked for in the response.

base::Error wrong(std::string hint) { return {base::ErrorCode::Invalid, std::move(hint)}; }

constexpr std::uint16_t kM2eePort = 8090;

bool is_http(const Probe& p) { return p.type == ProbeType::Http; }
bool is_m2ee(const Probe& p) { return p.type == ProbeType::M2ee; }
bool speaks_http(const Probe& p) { return is_http(p) || is_m2ee(p); }
bool is_probing(const Probe& p) { return p.type != ProbeType::None; }

/// The prober writes these itself, from other keys.
bool is_managed(std::string_view lowered) {
  constexpr std::array<std::string_view, 7> kManaged = {
      "host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"};
  return std::find(kManaged.begin(), kManaged.end(), lowered) != kManaged.end();
}

/// Whether a header's value is likely to let somebody in.
bool is_secret(std::string_view name) {
  const std::string lowered = base::to_lower(name);
  for (const std::string_view word : {"auth", "cookie", "token", "secret", "password", "key"}) {
    if (lowered.find(word) != std::string::npos) return true;
  }
  return false;
}

std::string inline_table(const Pairs& pairs, bool (*is_redacted)(std::string_view)) {
  std::string out;
  for (const auto& [name, value] : pairs) {
    const std::string_view shown_value = is_redacted(name) ? "[redacted]" : std::string_view(value);
    out += fmt::format("{}{} = {}", out.empty() ? "{ " : ", ", toml_string(name), toml_string(shown_value));
  }
  return out.empty() ? out : out + " }";
}

void read_headers(Probe& probe, const TomlNode& node, Diagnostics& diagnostics) {
  if (!node.is(TomlNode::Kind::Table)) return add_expected(diagnostics, node, "headers", "table of texts", {});
  const Diagnostics::Inside inside(diagnostics, "headers");
  probe.headers.clear();  // a preset's
  if (node.entries.size() > kProbeHeadersMax) {
    diagnostics.add(node, fmt::format("{}: expected at most {} headers, found {}", diagnostics.path(), kProbeHeadersMax,
                                      node.entries.size()));
  }
  std::set<std::string> seen;
  for (const TomlEntry& entry : node.entries) {
    const std::string lowered = base::to_lower(entry.key);
    if (const auto name = parse_token(entry.key); !name) {
      diagnostics.add(entry.place, fmt::format("{}: expected a header name, found {}; {}", diagnostics.path(),
                                               shown(entry.key), name.error().text));
    } else if (is_managed(lowered)) {
      diagnostics.add(entry.place, fmt::format("{}: {} is set by Holdfast itself{}", diagnostics.path(), entry.key,
                                               lowered == "host" ? "; write it as `host` of the probe" : ""));
    } else if (!seen.insert(lowered).second) {
      diagnostics.add(entry.place, fmt::format("{}: duplicate header name {} (upper and lower case are the same)",
                                               diagnostics.path(), entry.key));
    }
    const auto value = entry.value.is(TomlNode::Kind::Text) ? parse_field_value(entry.value.text)
                                                            : base::Result<std::string>(wrong({}));
    if (!value) {
      add_expected(diagnostics, entry.value, shown(entry.key), "header value", value.error().text);
    } else {
      probe.headers.emplace_back(entry.key, *value);
    }
  }
}

/// JSON pointer -> the value as text; a number or a boolean may be written as one.
void read_expect_json(Probe& probe, const TomlNode& node, Diagnostics& diagnostics) {
  if (!node.is(TomlNode::Kind::Table)) {
    return add_expected(diagnostics, node, "json", "table of JSON pointers and values", {});
  }
  const Diagnostics::Inside inside(diagnostics, "json");
  probe.expect_json.clear();  // a preset's
  for (const TomlEntry& entry : node.entries) {
    if (const auto pointer = parse_json_pointer(entry.key); !pointer) {
      diagnostics.add(entry.place, fmt::format("{}: expected a JSON pointer such as \"/status\", found {}; {}",
                                               diagnostics.path(), shown(entry.key), pointer.error().text));
    }
    const TomlNode& value = entry.value;
    switch (value.kind) {
      case TomlNode::Kind::Text:
        probe.expect_json.emplace_back(entry.key, value.text);
        break;
      case TomlNode::Kind::Integer:
        probe.expect_json.emplace_back(entry.key, std::to_string(value.integer));
        break;
      case TomlNode::Kind::Boolean:
        probe.expect_json.emplace_back(entry.key, value.boolean ? "true" : "false");
        break;
      default:
        add_expected(diagnostics, value, shown(entry.key), "text, integer or boolean", {});
        break;
    }
  }
}

base::Result<std::vector<StatusRange>> read_status(const TomlNode& node) {
  if (node.is(TomlNode::Kind::Text)) return parse_status_ranges(node.text);
  if (node.is(TomlNode::Kind::Integer)) return parse_status_ranges(std::to_string(node.integer));
  return wrong({});
}

/// What goes into one field, encoded; a password of more than this is a file's content.
base::Result<std::string> parse_password(std::string_view text) {
  constexpr std::size_t kPasswordMax = 512;
  if (text.empty()) return wrong("it is empty");
  if (text.size() > kPasswordMax) return wrong(fmt::format("it has more than {} bytes", kPasswordMax));
  return std::string(text);
}

base::Result<std::string> parse_probe_text(std::string_view text) {
  if (text.size() <= kProbeTextMax) return std::string(text);
  return wrong(fmt::format("it has more than {} bytes", kProbeTextMax));
}

Table<Probe> make_expect_table() {
  Table<Probe> t;
  t.value<Probe, std::vector<StatusRange>>("status", "status ranges such as \"200-299,401\"", &Probe::expect_status,
                                           read_status,
                                           [](const auto& ranges) { return toml_string(status_ranges_text(ranges)); });
  t.value<Probe, std::vector<StatusRange>>(
      "sick", "status ranges such as \"503\"", &Probe::expect_sick, read_status,
      [](const auto& ranges) { return ranges.empty() ? std::string() : toml_string(status_ranges_text(ranges)); });
  t.text("body", "text", &Probe::expect_body, parse_probe_text);
  Key<Probe> json{.name = "json", .type = "table of JSON pointers and values"};
  json.read = read_expect_json;
  json.text = [](const Probe& p) { return inline_table(p.expect_json, [](std::string_view) { return false; }); };
  t.keys.push_back(std::move(json));
  return t;
}

/// Not longer than the interval: a given time is an error, a default is shortened.
void check_within_interval(base::Duration& time, std::string_view key, const Probe& probe, const TomlNode& table,
                           Diagnostics& diagnostics) {
  const TomlNode* given = table.find(key);
  const TomlNode* interval = table.find("interval");
  if (interval != nullptr && !diagnostics.is_sound(*interval)) return;
  if (time <= probe.interval) return;
  if (given == nullptr) {
    time = probe.interval;
  } else if (diagnostics.is_sound(*given)) {
    diagnostics.add(*given, fmt::format("{}: {} is longer than `interval`, {}", diagnostics.full_name(key),
                                        described(*given), toml_string(base::duration_text(probe.interval))));
  }
}

void check_bodies(const Probe& probe, const TomlNode& table, Diagnostics& diagnostics) {
  const TomlNode* body = table.find("body");
  if (body != nullptr && !probe.body.empty() && (probe.method == "GET" || probe.method == "HEAD")) {
    diagnostics.add(*body, fmt::format("{}: a {} has no body, expected method = \"POST\" or the like",
                                       diagnostics.full_name("body"), probe.method));
  }
  const TomlNode* expect = table.find("expect");
  if (expect == nullptr || probe.method != "HEAD") return;
  for (const std::string_view key : {"body", "json"}) {
    const TomlNode* wanted = expect->find(key);
    if (wanted == nullptr) continue;
    diagnostics.add(*wanted, fmt::format("{}.{}: the response to HEAD has no body, expected another method",
                                         diagnostics.full_name("expect"), key));
  }
}

void check_passwords(const TomlNode& table, Diagnostics& diagnostics) {
  const TomlNode* file = table.find("password_file");
  if (table.find("password") == nullptr || file == nullptr) return;
  diagnostics.add(*file, fmt::format("{}: there is a `password` already, expected one of the two",
                                     diagnostics.full_name("password_file")));
}

/// A status cannot mean both.
void check_sick(const Probe& probe, const TomlNode& table, Diagnostics& diagnostics) {
  const TomlNode* expect = table.find("expect");
  const TomlNode* sick = expect != nullptr ? expect->find("sick") : nullptr;
  if (sick == nullptr || !diagnostics.is_sound(*sick)) return;
  for (const StatusRange& ill : probe.expect_sick) {
    for (const StatusRange& well : probe.expect_status) {
      if (ill.high < well.low || well.high < ill.low) continue;
      return diagnostics.add(*sick,
                             fmt::format("{}.sick: {} are among those of `status`, {}", diagnostics.full_name("expect"),
                                         described(*sick), toml_string(status_ranges_text(probe.expect_status))));
    }
  }
}

/// Another type than the preset's has nothing of it.
void prepare_probe(Probe& probe, const TomlNode& table) {
  const TomlNode* type = table.find("type");
  if (type == nullptr || (type->is(TomlNode::Kind::Text) && type->text == name_of(probe.type))) return;
  probe = {};
}

void settle_probe(Probe& probe) {
  if (is_m2ee(probe) && probe.port == 0) probe.port = kM2eePort;
}

void check_probe(Probe& probe, const TomlNode& table, Diagnostics& diagnostics) {
  check_within_interval(probe.timeout, "timeout", probe, table, diagnostics);
  check_within_interval(probe.fast_interval, "fast_interval", probe, table, diagnostics);
  if (is_http(probe)) check_bodies(probe, table, diagnostics);
  if (is_http(probe)) check_sick(probe, table, diagnostics);
  if (is_m2ee(probe)) check_passwords(table, diagnostics);
}

void add_http_keys(Table<Probe>& t) {
  static const Table<Probe> expect = make_expect_table();
  const auto http_only = [](Key<Probe>& key) { key.only(is_http, "type", "type = \"http\""); };
  const auto http_or_m2ee = [](Key<Probe>& key) { key.only(speaks_http, "type", "type = \"http\" or \"m2ee\""); };
  const auto m2ee_only = [](Key<Probe>& key) { key.only(is_m2ee, "type", "type = \"m2ee\""); };
  http_only(t.text("method", "method", &Probe::method, parse_method));
  http_or_m2ee(t.text("path", "path", &Probe::path, parse_target));
  http_or_m2ee(t.text("host", "host or host:port", &Probe::host, parse_host_field));
  Key<Probe> headers{.name = "headers", .type = "table of texts"};
  headers.read = read_headers;
  headers.text = [](const Probe& p) { return inline_table(p.headers, is_secret); };
  http_or_m2ee(t.keys.emplace_back(std::move(headers)));
  Key<Probe>& password = t.text("password", "text", &Probe::password, parse_password);
  password.text = [](const Probe& p) { return p.password.empty() ? std::string() : toml_string("[redacted]"); };
  m2ee_only(password);
  m2ee_only(t.text("password_file", "file path", &Probe::password_file, parse_file_path));
  m2ee_only(t.integer("health_every", &Probe::health_every, 1, 1'000'000));
  m2ee_only(t.duration("start_timeout", &Probe::start_timeout, 1s));
  http_only(t.text("body", "text", &Probe::body, parse_probe_text));
  http_only(t.group("expect", expect));
}

}  // namespace

const Table<Probe>& probe_table() {
  static const Table<Probe> table = [] {
    Table<Probe> t;
    const auto probing_only = [](Key<Probe>& key) { key.only(is_probing, "type", "a type other than \"none\""); };
    t.choice("type", &Probe::type, kProbeTypeNames);
    Key<Probe>& port = t.integer("port", &Probe::port, 1, 65535);
    port.text = [](const Probe& p) { return p.port == 0 ? std::string() : std::to_string(p.port); };
    probing_only(port);
    add_http_keys(t);
    probing_only(t.duration("interval", &Probe::interval, 10ms));
    probing_only(t.duration("fast_interval", &Probe::fast_interval, 10ms));
    probing_only(t.duration("timeout", &Probe::timeout, 1ms));
    probing_only(t.integer("rise", &Probe::rise, 1, 100));
    probing_only(t.integer("fall", &Probe::fall, 1, 100));
    probing_only(t.integer("jitter_percent", &Probe::jitter_percent, 0, 50));
    probing_only(t.integer("fresh_every", &Probe::fresh_every, 1, 1'000'000));
    t.prepare = prepare_probe;
    t.settle = settle_probe;
    t.check = check_probe;
    return t;
  }();
  return table;
}

}  // namespace holdfast::conf
