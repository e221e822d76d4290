#include "conf/key_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "conf/words.h"

namespace holdfast::conf {

namespace {

/// The tables in which `key` is known: operators mix up the tables more often than the keys.
std::string elsewhere(std::string_view key) {
  std::string out;
  for (const KnownKey& known : key_list()) {
    const std::size_t dot = known.path.rfind('.');
    if (dot == std::string::npos || std::string_view(known.path).substr(dot + 1) != key) continue;
    out += fmt::format("{}[{}]", out.empty() ? "" : ", ", known.path.substr(0, dot));
  }
  return out;
}

bool is_bare_key(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= '0' && c <= '9') || (base::lower(c) >= 'a' && base::lower(c) <= 'z') || c == '_' || c == '-';
  });
}

}  // namespace

void add_unknown(Diagnostics& diagnostics, const TomlEntry& entry, std::span<const std::string_view> names) {
  std::string what = fmt::format("unknown key {}", shown(entry.key));
  what += diagnostics.path().empty() ? " at the top of the file" : fmt::format(" in [{}]", diagnostics.path());
  if (const auto near = nearest(entry.key, names)) {
    what += fmt::format("; did you mean `{}`?", *near);
  } else if (const std::string tables = elsewhere(entry.key); !tables.empty()) {
    what += fmt::format("; it is known in {}", tables);
  } else {
    what += fmt::format("; the keys there are {}", fmt::join(names, ", "));
  }
  diagnostics.add(entry.place, std::move(what));
}

void add_not_yet(Diagnostics& diagnostics, const TomlEntry& entry) {
  diagnostics.add(entry.place, diagnostics.full_name(entry.key) + ": not yet supported");
}

void add_missing(Diagnostics& diagnostics, const TomlNode& table, std::string_view name, std::string_view type) {
  diagnostics.add(table.place, fmt::format("{}: missing, expected a {}", diagnostics.full_name(name), type));
}

void add_meaningless(Diagnostics& diagnostics, const TomlEntry& entry, std::string_view words) {
  diagnostics.add(entry.place,
                  fmt::format("{}: has no effect here, it is only for {}", diagnostics.full_name(entry.key), words));
}

void add_bad_name(Diagnostics& diagnostics, const TomlEntry& entry) {
  const auto name = parse_name(entry.key);
  if (name) return;
  diagnostics.add(entry.place, fmt::format("{} is not a name of 1 to 64 letters, digits, `_`, `.` and `-`; {}",
                                           shown(entry.key), name.error().text));
}

std::string path_segment(std::string_view name) { return is_bare_key(name) ? std::string(name) : toml_string(name); }

}  // namespace holdfast::conf
