#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/result.h"
#include "base/text.h"
#include "conf/diagnostics.h"
#include "conf/keys.h"
#include "conf/toml_tree.h"
#include "conf/values.h"

/// The description of a TOML table as data: one Key for each key, from which reading, suggestions, the dump and the
/// documentation's test are all made, so that they cannot drift apart.
namespace holdfast::conf {

enum class Shape : std::uint8_t {
  Value,  ///< key = value
  Table,  ///< [key]
  List,   ///< [[key]]
  Named,  ///< [key.NAME]
  Later,  ///< Known, not yet supported.
};

/// What makes a key meaningful.
template <class T>
struct Condition {
  bool (*holds)(const T&) = nullptr;
  std::string_view governor;  ///< The key that decides it.
  std::string_view words;     ///< "for type = \"http\""
};

template <class T>
struct Key {
  std::string name;
  std::string type;
  Shape shape = Shape::Value;
  bool is_required = false;
  bool (*is_harmless)(const TomlNode&) = nullptr;  ///< Shape::Later: values that ask for what is done anyway.
  std::optional<Condition<T>> condition{};
  std::function<void(T&, const TomlNode&, Diagnostics&)> read{};
  std::function<std::string(const T&)> text{};  ///< Shape::Value: as TOML; empty: the dump leaves the key out.
  std::function<void(const T&, const std::string& path, std::string& out)> dump{};        ///< The other shapes.
  std::function<void(const std::string& path, std::vector<KnownKey>& out)> list_inner{};  ///< The other shapes.

  Key& required() {
    is_required = true;
    return *this;
  }
  /// Given where `holds` says no, the key is a contradiction; the dump leaves it out.
  Key& only(bool (*holds)(const T&), std::string_view governor, std::string_view words) {
    condition = Condition<T>{holds, governor, words};
    return *this;
  }
};

/// Adds "unknown key ..." with the nearest of `names`, or the table where this key would be known.
void add_unknown(Diagnostics& diagnostics, const TomlEntry& entry, std::span<const std::string_view> names);
void add_not_yet(Diagnostics& diagnostics, const TomlEntry& entry);
void add_missing(Diagnostics& diagnostics, const TomlNode& table, std::string_view name, std::string_view type);
void add_meaningless(Diagnostics& diagnostics, const TomlEntry& entry, std::string_view words);
void add_bad_name(Diagnostics& diagnostics, const TomlEntry& entry);
/// The segment of a dotted path, quoted where it is no bare key.
std::string path_segment(std::string_view name);

/// The reader of a key that may be absent.
template <class F>
std::function<base::Result<std::optional<F>>(const TomlNode&)> as_optional(
    std::function<base::Result<F>(const TomlNode&)> read) {
  return [read = std::move(read)](const TomlNode& node) -> base::Result<std::optional<F>> {
    auto got = read(node);
    if (!got) return got.error();
    return std::optional<F>(*std::move(got));
  };
}

/// The keys of one table that is read into a T. A member of any base of T may be bound.
template <class T>
struct Table {
  using Check = void (*)(T&, const TomlNode& table, Diagnostics&);

  std::vector<Key<T>> keys;
  void (*prepare)(T&, const TomlNode& table) = nullptr;  ///< Defaults that depend on what is there; before any key.
  void (*settle)(T&) = nullptr;  ///< Fills in what follows from the keys together; called before conditions are judged.
  bool means_something_empty = false;  ///< The dump keeps the header of a table without values.
  Check check = nullptr;               ///< Contradictions between keys; called after all of them are read.

  /// The general case: `read` as in values.h, `member_text` as Key::text.
  template <class B, class F>
  Key<T>& value(std::string name, std::string type, F B::*member, std::function<base::Result<F>(const TomlNode&)> read,
                std::function<std::string(const F&)> member_text) {
    Key<T> key{.name = name, .type = type};
    key.read = [=](T& into, const TomlNode& node, Diagnostics& diagnostics) {
      auto got = read(node);
      if (!got) return add_expected(diagnostics, node, name, type, got.error().text);
      into.*member = *std::move(got);
    };
    key.text = [=](const T& from) { return member_text(from.*member); };
    return keys.emplace_back(std::move(key));
  }

  template <class B>
  Key<T>& duration(std::string name, base::Duration B::*member, base::Duration min, base::Duration max = kDurationMax) {
    return value<B, base::Duration>(
        std::move(name), duration_type(min, max), member,
        [=](const TomlNode& node) { return read_duration(node, min, max); },
        [](const base::Duration& d) { return toml_string(base::duration_text(d)); });
  }

  template <class B>
  Key<T>& size(std::string name, std::uint64_t B::*member, std::uint64_t min, std::uint64_t max) {
    return value<B, std::uint64_t>(
        std::move(name), size_type(min, max), member, [=](const TomlNode& node) { return read_size(node, min, max); },
        [](const std::uint64_t& bytes) { return toml_string(base::size_text(bytes)); });
  }

  template <class B, class F>
  Key<T>& integer(std::string name, F B::*member, std::type_identity_t<F> min, std::type_identity_t<F> max) {
    return value<B, F>(
        std::move(name), integer_type(min, max), member,
        [=](const TomlNode& node) -> base::Result<F> {
          const auto got = read_integer(node, min, max);
          if (!got) return got.error();
          return static_cast<F>(*got);
        },
        [](const F& number) { return std::to_string(number); });
  }

  template <class B>
  Key<T>& boolean(std::string name, bool B::*member) {
    return value<B, bool>(std::move(name), "true or false", member, read_boolean,
                          [](const bool& b) { return std::string(b ? "true" : "false"); });
  }

  template <class B>
  Key<T>& endpoint(std::string name, Endpoint B::*member, std::uint16_t port_min) {
    return value<B, Endpoint>(
        std::move(name), "host:port", member, [=](const TomlNode& node) { return read_endpoint(node, port_min); },
        [](const Endpoint& e) { return e.host.empty() ? std::string() : toml_string(e.text()); });
  }

  /// Text with a grammar of words.h; an empty member is left out of the dump.
  template <class B>
  Key<T>& text(std::string name, std::string type, std::string B::*member,
               base::Result<std::string> (*parse)(std::string_view)) {
    return value<B, std::string>(
        std::move(name), std::move(type), member,
        [=](const TomlNode& node) -> base::Result<std::string> {
          if (!node.is(TomlNode::Kind::Text)) return base::Error{base::ErrorCode::Invalid, {}};
          return parse(node.text);
        },
        [](const std::string& s) { return s.empty() ? std::string() : toml_string(s); });
  }

  /// An enum whose values count from 0, by the words in `words`.
  template <class B, class E>
  Key<T>& choice(std::string name, E B::*member, std::span<const std::string_view> words) {
    return value<B, E>(
        std::move(name), choice_type(words), member,
        [=](const TomlNode& node) -> base::Result<E> {
          const auto got = read_choice(node, words);
          if (!got) return got.error();
          return static_cast<E>(*got);
        },
        [=](const E& e) { return toml_string(words[static_cast<std::size_t>(e)]); });
  }

  /// A table whose keys are read into `member`.
  template <class B, class S>
  Key<T>& table(const std::string& name, S B::*member, const Table<S>& inner) {
    return group_of(
        name, inner, [member](auto& whole) -> auto& { return whole.*member; });
  }
  /// A table whose keys are read into the same T.
  Key<T>& group(const std::string& name, const Table<T>& inner) {
    return group_of(
        name, inner, [](auto& whole) -> auto& { return whole; });
  }

  /// A list of texts, each with a grammar of words.h; an empty one is left out of the dump.
  template <class B, class F>
  Key<T>& texts(std::string name, std::string item_type, std::vector<F> B::*member,
                base::Result<F> (*parse)(std::string_view), std::string (*item_text)(const F&)) {
    Key<T> key{.name = name, .type = "list of " + item_type + "s"};
    key.read = [=, type = key.type](T& into, const TomlNode& node, Diagnostics& diagnostics) {
      if (!node.is(TomlNode::Kind::Array)) return add_expected(diagnostics, node, name, type, {});
      (into.*member).clear();  // a preset's
      std::set<std::string_view> seen;
      for (const TomlNode& item : node.items) {
        if (!item.is(TomlNode::Kind::Text)) {
          add_expected(diagnostics, item, name, item_type, {});
        } else if (auto got = parse(item.text); !got) {
          add_expected(diagnostics, item, name, item_type, got.error().text);
        } else if (!seen.insert(item.text).second) {
          diagnostics.add(item, diagnostics.full_name(name) + ": duplicate " + shown(item.text));
        } else {
          (into.*member).push_back(*std::move(got));
        }
      }
    };
    key.text = [=](const T& from) {
      std::string out;
      for (const F& item : from.*member) out += (out.empty() ? "[" : ", ") + toml_string(item_text(item));
      return out.empty() ? out : out + "]";
    };
    return keys.emplace_back(std::move(key));
  }

  /// Of another table's default, which stands where the key is absent.
  template <class B>
  Key<T>& own_duration(std::string name, std::optional<base::Duration> B::*member, base::Duration min) {
    return value<B, std::optional<base::Duration>>(
        std::move(name), duration_type(min, kDurationMax), member,
        as_optional<base::Duration>([=](const TomlNode& node) { return read_duration(node, min, kDurationMax); }),
        [](const auto& d) { return d ? toml_string(base::duration_text(*d)) : std::string(); });
  }
  template <class B>
  Key<T>& own_size(std::string name, std::optional<std::uint64_t> B::*member) {
    return value<B, std::optional<std::uint64_t>>(
        std::move(name), size_type(0, kSizeMax), member,
        as_optional<std::uint64_t>([](const TomlNode& node) { return read_size(node, 0, kSizeMax); }),
        [](const auto& bytes) { return bytes ? toml_string(base::size_text(*bytes)) : std::string(); });
  }

  /// [[name]]: one S for each, which keeps its place in `at`.
  template <class B, class S>
  Key<T>& list(const std::string& name, std::vector<S> B::*member, const Table<S>& inner) {
    Key<T> key{.name = name, .type = "list of tables", .shape = Shape::List};
    const Table<S>* spec = &inner;
    key.read = [=](T& into, const TomlNode& node, Diagnostics& diagnostics) {
      if (!node.is(TomlNode::Kind::Array)) {
        return add_expected(diagnostics, node, name, "list of tables", "write [[" + name + "]]");
      }
      const Diagnostics::Inside inside(diagnostics, name);
      for (const TomlNode& item : node.items) read_item(*spec, (into.*member).emplace_back(), item, diagnostics);
    };
    key.dump = [=](const T& from, const std::string& path, std::string& out) {
      for (const S& item : from.*member) dump_table(*spec, item, path, "[[" + path + "]]", out);
    };
    key.list_inner = [=](const std::string& path, std::vector<KnownKey>& out) { list_keys(*spec, path, out); };
    return keys.emplace_back(std::move(key));
  }

  /// [name.NAME]: one S for each, which keeps its `name`, and its place in `at`.
  template <class B, class S>
  Key<T>& named(const std::string& name, std::vector<S> B::*member, const Table<S>& inner) {
    Key<T> key{.name = name, .type = "table of tables", .shape = Shape::Named};
    const Table<S>* spec = &inner;
    key.read = [=](T& into, const TomlNode& node, Diagnostics& diagnostics) {
      if (!node.is(TomlNode::Kind::Table)) {
        return add_expected(diagnostics, node, name, "table", "write [" + name + ".NAME], with a name of your choice");
      }
      const Diagnostics::Inside inside(diagnostics, name);
      for (const TomlEntry& entry : node.entries) {
        add_bad_name(diagnostics, entry);
        if (!entry.value.is(TomlNode::Kind::Table)) {
          diagnostics.add(entry.value, diagnostics.full_name(entry.key) + ": expected a table, found " +
                                           described(entry.value) + "; write [" + name +
                                           ".NAME] above it, with a name of your choice");
          continue;
        }
        S& item = (into.*member).emplace_back();
        item.name = entry.key;
        const Diagnostics::Inside inside_item(diagnostics, path_segment(entry.key));
        read_item(*spec, item, entry.value, diagnostics);
      }
    };
    key.dump = [=](const T& from, const std::string& path, std::string& out) {
      for (const S& item : from.*member) {
        const std::string full = path + "." + path_segment(item.name);
        dump_table(*spec, item, full, "[" + full + "]", out);
      }
    };
    key.list_inner = [=](const std::string& path, std::vector<KnownKey>& out) {
      list_keys(*spec, path + ".NAME", out);
    };
    return keys.emplace_back(std::move(key));
  }

  /// Known to a later version. `is_harmless` says which values ask for what is done anyway.
  Key<T>& later(const std::string& name, bool (*is_harmless)(const TomlNode&) = nullptr) {
    return keys.emplace_back(Key<T>{.name = name, .type = "", .shape = Shape::Later, .is_harmless = is_harmless});
  }

 private:
  template <class S, class Part>
  Key<T>& group_of(const std::string& name, const Table<S>& inner, Part part) {
    Key<T> key{.name = name, .type = "table", .shape = Shape::Table};
    const Table<S>* spec = &inner;
    key.read = [=](T& into, const TomlNode& node, Diagnostics& diagnostics) {
      if (!node.is(TomlNode::Kind::Table)) return add_expected(diagnostics, node, name, "table", {});
      const Diagnostics::Inside inside(diagnostics, name);
      read_table(*spec, part(into), node, diagnostics);
    };
    key.dump = [=](const T& from, const std::string& path, std::string& out) {
      dump_table(*spec, part(from), path, "[" + path + "]", out);
    };
    key.list_inner = [=](const std::string& path, std::vector<KnownKey>& out) { list_keys(*spec, path, out); };
    return keys.emplace_back(std::move(key));
  }
};

template <class T>
const Key<T>* find_key(const Table<T>& spec, std::string_view name) {
  for (const Key<T>& key : spec.keys) {
    if (key.name == name) return &key;
  }
  return nullptr;
}

template <class T>
void add_missing_and_meaningless(const Table<T>& spec, const T& into, const TomlNode& node, Diagnostics& diagnostics) {
  for (const Key<T>& key : spec.keys) {
    if (key.is_required && node.find(key.name) == nullptr) add_missing(diagnostics, node, key.name, key.type);
  }
  for (const TomlEntry& entry : node.entries) {
    const Key<T>* key = find_key(spec, entry.key);
    if (key == nullptr || !key->condition || key->condition->holds(into)) continue;
    const TomlNode* governor = node.find(key->condition->governor);
    const bool is_told =
        governor != nullptr ? !diagnostics.is_sound(*governor) : find_key(spec, key->condition->governor)->is_required;
    if (!is_told) add_meaningless(diagnostics, entry, key->condition->words);
  }
}

/// Reads what the table has into `into`; every error is added, none stops it.
template <class T>
void read_table(const Table<T>& spec, T& into, const TomlNode& node, Diagnostics& diagnostics) {
  if (spec.prepare != nullptr) spec.prepare(into, node);
  std::vector<std::string_view> names;
  for (const Key<T>& key : spec.keys) names.push_back(key.name);
  for (const TomlEntry& entry : node.entries) {
    const Key<T>* key = find_key(spec, entry.key);
    if (key == nullptr) {
      add_unknown(diagnostics, entry, names);
    } else if (key->shape == Shape::Later) {
      if (key->is_harmless == nullptr || !key->is_harmless(entry.value)) add_not_yet(diagnostics, entry);
    } else {
      key->read(into, entry.value, diagnostics);
    }
  }
  if (spec.settle != nullptr) spec.settle(into);
  add_missing_and_meaningless(spec, into, node, diagnostics);
  if (spec.check != nullptr) spec.check(into, node, diagnostics);
}

/// The same for an item of a list, which may be no table at all.
template <class S>
void read_item(const Table<S>& spec, S& item, const TomlNode& node, Diagnostics& diagnostics) {
  item.at = &node;
  if (node.is(TomlNode::Kind::Table)) return read_table(spec, item, node, diagnostics);
  diagnostics.add(node, diagnostics.path() + ": expected a table, found " + described(node));
}

/// Appends the table's header and values, then the tables inside it.
template <class T>
void dump_table(const Table<T>& spec, const T& from, const std::string& path, const std::string& header,
                std::string& out) {
  std::string values;
  const auto applies = [&](const Key<T>& key) { return !key.condition || key.condition->holds(from); };
  for (const Key<T>& key : spec.keys) {
    if (key.shape != Shape::Value || !applies(key)) continue;
    if (const std::string text = key.text(from); !text.empty()) values += key.name + " = " + text + "\n";
  }
  if (!header.empty() && (!values.empty() || header.starts_with("[[") || spec.means_something_empty)) {
    if (!out.empty()) out += '\n';
    out += header + "\n" + values;
  }
  for (const Key<T>& key : spec.keys) {
    if (key.dump && applies(key)) key.dump(from, path.empty() ? key.name : path + "." + key.name, out);
  }
}

template <class T>
void list_keys(const Table<T>& spec, const std::string& path, std::vector<KnownKey>& out) {
  const T initial{};
  for (const Key<T>& key : spec.keys) {
    const std::string full = path.empty() ? key.name : path + "." + key.name;
    if (key.list_inner) {
      key.list_inner(full, out);
      continue;
    }
    const std::string text = key.is_required || !key.text ? std::string() : key.text(initial);
    out.push_back({full, key.type,
                   key.is_required ? "required"
                   : text.empty()  ? "none"
                                   : text,
                   key.shape == Shape::Later});
  }
}

}  // namespace holdfast::conf
