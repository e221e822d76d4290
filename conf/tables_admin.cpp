#include <algorithm>
#include <set>

#include "conf/draft.h"
#include "conf/names.h"
#include "conf/words.h"

// [admin] and who may use it.
namespace holdfast::conf {

namespace {

base::Error wrong(const char* what) { return {base::ErrorCode::Invalid, what}; }

base::Result<std::string> parse_password_hash(std::string_view text) {
  if (text.starts_with("$argon2id$") && text.size() < 128 && std::count(text.begin(), text.end(), '$') == 5) {
    return std::string(text);
  }
  return wrong("`holdfastctl passwd` prints one");
}

base::Result<std::string> parse_token_hash(std::string_view text) {
  const bool is_hex =
      std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (text.size() == 64 && is_hex) return std::string(text);
  return wrong("`holdfastctl token` prints one");
}

/// Like Table::text, but the dump does not show it.
template <class T>
Key<T>& secret(Table<T>& t, const char* name, const char* type, std::string T::*member,
               base::Result<std::string> (*parse)(std::string_view)) {
  return t.template value<T, std::string>(
      name, type, member,
      [parse](const TomlNode& node) -> base::Result<std::string> {
        if (!node.is(TomlNode::Kind::Text)) return base::Error{base::ErrorCode::Invalid, {}};
        return parse(node.text);
      },
      [](const std::string& text) { return text.empty() ? std::string() : toml_string("[redacted]"); });
}

/// [[admin.NAME]] tables that need no place of their own, each with another `name`.
template <class S>
void add_list(Table<Admin>& t, const std::string& name, std::vector<S> Admin::*member, const Table<S>& inner) {
  Key<Admin> key{.name = name, .type = "list of tables", .shape = Shape::List};
  const Table<S>* spec = &inner;
  key.read = [=](Admin& into, const TomlNode& node, Diagnostics& diagnostics) {
    if (!node.is(TomlNode::Kind::Array)) {
      return add_expected(diagnostics, node, name, "list of tables", "write [[admin." + name + "]]");
    }
    const Diagnostics::Inside inside(diagnostics, name);
    std::set<std::string> seen;
    for (const TomlNode& item : node.items) {
      if (!item.is(TomlNode::Kind::Table)) {
        diagnostics.add(item, diagnostics.path() + ": expected a table, found " + described(item));
        continue;
      }
      S& read = (into.*member).emplace_back();
      read_table(*spec, read, item, diagnostics);
      if (!read.name.empty() && !seen.insert(read.name).second) {
        diagnostics.add(item, diagnostics.path() + ": duplicate name " + shown(read.name));
      }
    }
  };
  key.dump = [=](const Admin& from, const std::string& path, std::string& out) {
    for (const S& item : from.*member) dump_table(*spec, item, path, "[[" + path + "]]", out);
  };
  key.list_inner = [=](const std::string& path, std::vector<KnownKey>& out) { list_keys(*spec, path, out); };
  t.keys.push_back(std::move(key));
}

const Table<AdminUser>& user_table() {
  static const Table<AdminUser> table = [] {
    Table<AdminUser> t;
    t.text("name", "name", &AdminUser::name, parse_name).required();
    secret(t, "password_hash", "password hash", &AdminUser::password_hash, parse_password_hash).required();
    t.choice("role", &AdminUser::role, kAdminRoleNames);
    return t;
  }();
  return table;
}

const Table<AdminToken>& token_table() {
  static const Table<AdminToken> table = [] {
    Table<AdminToken> t;
    t.text("name", "name", &AdminToken::name, parse_name).required();
    secret(t, "hash", "token hash", &AdminToken::hash, parse_token_hash).required();
    t.choice("role", &AdminToken::role, kAdminRoleNames);
    return t;
  }();
  return table;
}

const Table<Admin>& tls_table() {
  static const Table<Admin> table = [] {
    Table<Admin> t;
    t.text("cert", "file path", &Admin::tls_cert, parse_file_path).required();
    t.text("key", "file path", &Admin::tls_key, parse_file_path).required();
    return t;
  }();
  return table;
}

void check_admin(Admin& admin, const TomlNode& table, Diagnostics& diagnostics) {
  const TomlNode* address = table.find("address");
  if (address == nullptr || !diagnostics.is_sound(*address) || is_loopback(admin.address.host)) return;
  if (table.find("users") != nullptr && !admin.users.empty()) return;
  diagnostics.add(*address, diagnostics.full_name("address") +
                                ": expected a loopback address such as \"127.0.0.1:8081\", found " +
                                described(*address) + "; other machines can reach it, which needs [[admin.users]]");
}

}  // namespace

const Table<Admin>& admin_table() {
  static const Table<Admin> table = [] {
    Table<Admin> t;
    t.boolean("enabled", &Admin::enabled);
    t.endpoint("address", &Admin::address, 0);
    add_list(t, "users", &Admin::users, user_table());
    add_list(t, "tokens", &Admin::tokens, token_table());
    t.group("tls", tls_table());
    t.check = check_admin;
    return t;
  }();
  return table;
}

}  // namespace holdfast::conf
