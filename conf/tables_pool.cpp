#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "conf/bounds.h"
#include "conf/draft.h"
#include "conf/names.h"
#include "conf/preset.h"
#include "conf/words.h"

// [pools.NAME] and what is inside it, but for the probe.
namespace holdfast::conf {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kStickyNamesMax = 16;  ///< Each is looked for in every request.

bool has_names(const Sticky& s) { return s.mode == StickyMode::AppCookie || s.mode == StickyMode::Header; }
bool has_own_cookie(const Sticky& s) { return s.mode == StickyMode::Cookie || has_names(s); }
bool is_app_cookie(const Sticky& s) { return s.mode == StickyMode::AppCookie; }
bool is_sticky(const Sticky& s) { return s.mode != StickyMode::None; }
constexpr std::uint64_t kSessionsMax = 100'000'000;

void check_names(const TomlNode& names, std::string_view key, bool is_case_ignored, Diagnostics& diagnostics) {
  if (!names.is(TomlNode::Kind::Array)) return;
  if (names.items.size() > kStickyNamesMax) {
    diagnostics.add(names, fmt::format("{}: expected at most {} names, found {}", diagnostics.full_name(key),
                                       kStickyNamesMax, names.items.size()));
  }
  if (!is_case_ignored) return;
  std::set<std::string> seen;
  for (const TomlNode& name : names.items) {
    if (!diagnostics.is_sound(name) || seen.insert(base::to_lower(name.text)).second) continue;
    diagnostics.add(name, fmt::format("{}: duplicate header name {} (upper and lower case are the same)",
                                      diagnostics.full_name(key), shown(name.text)));
  }
}

void check_sticky(Sticky& sticky, const TomlNode& table, Diagnostics& diagnostics) {
  if (const TomlNode* headers = table.find("headers")) check_names(*headers, "headers", true, diagnostics);
  const TomlNode* names = table.find("names");
  if (!has_names(sticky)) return;
  if (names == nullptr) {
    if (!sticky.names.empty()) return;  // a preset's
    return diagnostics.add(*table.find("mode"), fmt::format("{}: missing with mode = \"{}\", expected a list of names",
                                                            diagnostics.full_name("names"), name_of(sticky.mode)));
  }
  if (names->is(TomlNode::Kind::Array) && names->items.empty()) {
    return diagnostics.add(*names,
                           diagnostics.full_name("names") + ": expected at least one name, found an empty list");
  }
  check_names(*names, "names", sticky.mode == StickyMode::Header, diagnostics);
}

/// A preset's names are those of its own mode.
void prepare_sticky(Sticky& sticky, const TomlNode& table) {
  const TomlNode* mode = table.find("mode");
  if (mode == nullptr || (mode->is(TomlNode::Kind::Text) && mode->text == name_of(sticky.mode))) return;
  sticky.names.clear();
  sticky.headers.clear();
}

void check_passive(Passive& passive, const TomlNode& table, Diagnostics& diagnostics) {
  const TomlNode* eject = table.find("eject");
  const TomlNode* eject_max = table.find("eject_max");
  if (eject_max == nullptr) {
    passive.eject_max = std::max(passive.eject_max, passive.eject);
  } else if (diagnostics.is_sound(*eject_max) && (eject == nullptr || diagnostics.is_sound(*eject)) &&
             passive.eject_max < passive.eject) {
    diagnostics.add(*eject_max, fmt::format("{}: {} is shorter than `eject`, {}", diagnostics.full_name("eject_max"),
                                            described(*eject_max), toml_string(base::duration_text(passive.eject))));
  }
}

const Table<Passive>& passive_table() {
  static const Table<Passive> table = [] {
    Table<Passive> t;
    t.integer("failures", &Passive::failures, 0, 1'000'000);
    t.duration("eject", &Passive::eject, 1ms);
    t.duration("eject_max", &Passive::eject_max, 1ms);
    t.integer("ejected_percent_max", &Passive::ejected_percent_max, 1, 100);
    t.check = check_passive;
    return t;
  }();
  return table;
}

const Table<Retry>& retry_table() {
  static const Table<Retry> table = [] {
    Table<Retry> t;
    t.integer("attempts", &Retry::attempts, 1, kRetryAttemptsMax);
    t.integer("budget_percent", &Retry::budget_percent, 0, 100);
    t.integer("budget_min", &Retry::budget_min, 0, 1'000'000);
    return t;
  }();
  return table;
}

const Table<Hung>& hung_table() {
  static const Table<Hung> table = [] {
    Table<Hung> t;
    t.duration("silence", &Hung::silence, 0s);
    t.duration("grace", &Hung::grace, 0s);
    return t;
  }();
  return table;
}

const Table<Quarantine>& quarantine_table() {
  static const Table<Quarantine> table = [] {
    Table<Quarantine> t;
    t.integer("crashes_alone", &Quarantine::crashes_alone, 0, 100);
    t.integer("crashes", &Quarantine::crashes, 0, 100);
    t.duration("window", &Quarantine::window, 1s);
    t.duration("quarantine", &Quarantine::duration, 1s);
    return t;
  }();
  return table;
}

void read_backend(BackendDraft& backend, const TomlNode& node, Diagnostics& diagnostics) {
  const Diagnostics::Inside inside(diagnostics, "backends");
  backend.at = &node;
  if (node.is(TomlNode::Kind::Table)) {
    read_table(backend_table(), backend, node, diagnostics);
  } else {
    find_key(backend_table(), "address")->read(backend, node, diagnostics);
  }
  if (backend.name.empty() && !backend.address.host.empty()) backend.name = backend.address.text();
}

/// `backends` is a list of addresses, or of tables, or of both.
void read_backends(PoolDraft& pool, const TomlNode& node, Diagnostics& diagnostics) {
  if (!node.is(TomlNode::Kind::Array)) {
    return add_expected(diagnostics, node, "backends", "list of host:port", "or write [[pools.NAME.backends]] tables");
  }
  for (const TomlNode& item : node.items) read_backend(pool.backends.emplace_back(), item, diagnostics);
}

/// Where a backend's key is, or the whole backend in the short form.
const TomlNode& place_in(const BackendDraft& backend, std::string_view key) {
  const TomlNode* value = backend.at->find(key);
  return value != nullptr ? *value : *backend.at;
}

void check_backends_differ(const PoolDraft& pool, Diagnostics& diagnostics) {
  std::set<std::string_view> names;
  std::map<std::string, std::string_view> addresses;
  for (const BackendDraft& backend : pool.backends) {
    if (backend.address.host.empty()) continue;
    const auto [first, is_new] = addresses.emplace(backend.address.text(), backend.name);
    if (!is_new) {
      diagnostics.add(place_in(backend, "address"),
                      fmt::format("{}: duplicate backend address {}", diagnostics.full_name("backends"), first->first));
    } else if (!names.insert(backend.name).second) {
      diagnostics.add(place_in(backend, "name"), fmt::format("{}: duplicate backend name {}",
                                                             diagnostics.full_name("backends"), shown(backend.name)));
    }
  }
}

/// Where nothing is sticky there are no sessions to count.
void check_max_sessions(const PoolDraft& pool, const TomlNode& table, Diagnostics& diagnostics) {
  if (pool.sticky.mode != StickyMode::None) return;
  constexpr std::string_view kNeeds = R"(: needs sessions, but `sticky.mode` is "none")";
  const TomlNode* const most = table.find("max_sessions");
  if (most != nullptr && pool.max_sessions > 0) {
    diagnostics.add(*most, diagnostics.full_name("max_sessions").append(kNeeds));
  }
  for (const BackendDraft& backend : pool.backends) {
    if (backend.max_sessions == 0) continue;
    diagnostics.add(place_in(backend, "max_sessions"), diagnostics.full_name("backends.max_sessions").append(kNeeds));
  }
}

void check_pool(PoolDraft& pool, const TomlNode& table, Diagnostics& diagnostics) {
  check_max_sessions(pool, table, diagnostics);
  const TomlNode* backends = table.find("backends");
  const std::string name = diagnostics.full_name("backends");
  if (backends == nullptr) {
    return diagnostics.add(table.place, name + ": missing, expected a list of host:port, or [[" + name + "]] tables");
  }
  if (!backends->is(TomlNode::Kind::Array)) return;
  if (backends->items.empty()) {
    return diagnostics.add(*backends, name + ": expected at least one backend, found an empty list");
  }
  check_backends_differ(pool, diagnostics);
  const auto every = [&](auto is) { return std::all_of(pool.backends.begin(), pool.backends.end(), is); };
  if (every([](const BackendDraft& b) { return b.backup; })) {
    diagnostics.add(place_in(pool.backends.front(), "backup"),
                    name + ": every backend is a backup, expected at least one that is not");
  } else if (every([](const BackendDraft& b) { return b.weight == 0; })) {
    diagnostics.add(place_in(pool.backends.front(), "weight"),
                    name + ": every weight is 0, expected at least one above it, or no session could begin");
  }
}

base::Result<Preset> read_preset(const TomlNode& node) {
  const auto got = read_choice(node, kPresetNames);
  if (!got) return got.error();
  return static_cast<Preset>(*got + 1);
}

void prepare_pool(PoolDraft& pool, const TomlNode& table) {
  const TomlNode* name = table.find("preset");
  if (name == nullptr) return;
  if (const auto preset = read_preset(*name)) apply_preset(pool, *preset, table);
}

/// A name that is only the address again needs no saying (and may hold a colon, which written names must not).
std::string backend_name_text(const BackendDraft& backend) {
  return backend.name.empty() || backend.name == backend.address.text() ? std::string() : toml_string(backend.name);
}

}  // namespace

const Table<Sticky>& sticky_table() {
  static const Table<Sticky> table = [] {
    Table<Sticky> t;
    t.choice("mode", &Sticky::mode, kStickyModeNames);
    t.texts<Sticky, std::string>("names", "cookie or header name", &Sticky::names, parse_token,
                                 [](const std::string& name) { return name; })
        .only(has_names, "mode", "mode = \"app_cookie\" or \"header\"");
    t.texts<Sticky, std::string>("headers", "header name", &Sticky::headers, parse_token, [](const std::string& name) {
       return name;
     }).only(is_app_cookie, "mode", "mode = \"app_cookie\"");
    t.text("cookie", "cookie name", &Sticky::cookie, parse_token)
        .only(has_own_cookie, "mode", "mode = \"cookie\", \"app_cookie\" or \"header\"");
    t.boolean("companion", &Sticky::companion).only(has_names, "mode", "mode = \"app_cookie\" or \"header\"");
    t.choice("same_site", &Sticky::same_site, kSameSiteNames)
        .only(has_own_cookie, "mode", "mode = \"cookie\", \"app_cookie\" or \"header\"");
    t.choice("failover", &Sticky::failover, kFailoverNames).only(is_sticky, "mode", "a mode other than \"none\"");
    t.prepare = prepare_sticky;
    t.check = check_sticky;
    return t;
  }();
  return table;
}

const Table<BackendDraft>& backend_table() {
  static const Table<BackendDraft> table = [] {
    Table<BackendDraft> t;
    t.text("name", "name", &Backend::name, parse_name).text = backend_name_text;
    t.endpoint("address", &Backend::address, 1).required();
    t.integer("weight", &Backend::weight, 0, 1000);
    t.integer("max_requests", &Backend::max_requests, 0, 1'000'000);
    t.integer("max_sessions", &Backend::max_sessions, 0, kSessionsMax);
    t.integer("probe_port", &Backend::probe_port, 1, 65535).text = [](const BackendDraft& backend) {
      return backend.probe_port == 0 ? std::string() : std::to_string(backend.probe_port);
    };
    t.boolean("backup", &Backend::backup);
    t.later("tls", [](const TomlNode& node) { return node.is(TomlNode::Kind::Boolean) && !node.boolean; });
    return t;
  }();
  return table;
}

const Table<PoolDraft>& pool_table() {
  static const Table<PoolDraft> table = [] {
    Table<PoolDraft> t;
    t.value<Pool, Preset>("preset", choice_type(kPresetNames), &Pool::preset, read_preset,
                          [](const Preset& p) { return p == Preset::None ? std::string() : toml_string(name_of(p)); });
    t.choice("balance", &Pool::balance, kBalanceNames);
    t.integer("max_sessions", &Pool::max_sessions, 0, kSessionsMax);
    t.duration("slow_start", &Pool::slow_start, 0s);
    t.own_duration("response_timeout", &Pool::response_timeout, 1ms);
    t.own_size("request_body_bytes", &Pool::request_body_bytes);
    t.text("maintenance_page", "file path", &Pool::maintenance_page, parse_file_path);
    t.later("tls");
    t.table("sticky", &Pool::sticky, sticky_table());
    t.table("probe", &Pool::probe, probe_table());
    t.table("passive", &Pool::passive, passive_table());
    t.table("retry", &Pool::retry, retry_table());
    t.table("hung", &Pool::hung, hung_table());
    t.table("poison", &Pool::quarantine, quarantine_table());
    Key<PoolDraft>& backends = t.list("backends", &PoolDraft::backends, backend_table());
    backends.read = read_backends;
    t.prepare = prepare_pool;
    t.check = check_pool;
    return t;
  }();
  return table;
}

}  // namespace holdfast::conf
