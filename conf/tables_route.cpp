#include <fmt/format.h>

#include <algorithm>

#include "conf/draft.h"
#include "conf/words.h"

// [[routes]]
namespace holdfast::conf {

namespace {

using namespace std::chrono_literals;

bool is_redirect(const RouteDraft& r) { return r.action == RouteAction::Redirect; }
bool is_forward(const RouteDraft& r) { return r.action == RouteAction::Forward; }

base::Result<std::uint16_t> read_redirect_status(const TomlNode& node) {
  constexpr std::uint16_t kRedirects[] = {301, 302, 303, 307, 308};
  for (const std::uint16_t status : kRedirects) {
    if (node.is(TomlNode::Kind::Integer) && node.integer == status) return status;
  }
  return base::Error{base::ErrorCode::Invalid, {}};
}

/// One of pool, deny and redirect says what the route does. Runs before the conditions of other keys are looked at.
void settle_action(RouteDraft& route) {
  route.action = !route.redirect_to.empty() ? RouteAction::Redirect
                 : route.deny               ? RouteAction::Deny
                                            : RouteAction::Forward;
}

void check_route(RouteDraft& route, const TomlNode& table, Diagnostics& diagnostics) {
  const TomlNode* deny = table.find("deny");
  const TomlNode* redirect = table.find("redirect");
  const TomlNode* pool = table.find("pool");
  // A mistaken `deny` may have been meant as true: only a plain `false` is as good as absent.
  const bool denies = deny != nullptr && (route.deny || !diagnostics.is_sound(*deny));
  std::string found;
  const TomlNode* last = nullptr;
  std::size_t count = 0;
  for (const auto& [name, node] :
       {std::pair("pool", pool), std::pair("deny", denies ? deny : nullptr), std::pair("redirect", redirect)}) {
    if (node == nullptr) continue;
    ++count;
    found += fmt::format("{}`{}`", found.empty() ? "" : " and ", name);
    if (last == nullptr || last->place < node->place) last = node;
  }
  if (count == 1) return;
  const std::string expected = "expected one of `pool`, `deny = true` and `redirect`";
  if (count == 0) return diagnostics.add(table.place, fmt::format("{}: {}, found none", diagnostics.path(), expected));
  diagnostics.add(last->place, fmt::format("{}: {}, found {}", diagnostics.path(), expected, found));
}

}  // namespace

const Table<RouteDraft>& route_table() {
  static constexpr std::string_view kForward = "a route with `pool`";
  static const Table<RouteDraft> table = [] {
    Table<RouteDraft> t;
    t.text("host", "host or \"*.name\"", &Route::host, parse_host_pattern);
    t.text("path", "path", &Route::path, parse_path_prefix);
    t.text("pool", "pool's name", &RouteDraft::pool_name, parse_name);
    t.boolean("deny", &RouteDraft::deny);
    t.text("redirect", "URL or path", &Route::redirect_to, parse_redirect);
    t.value<Route, std::uint16_t>("redirect_status", "one of 301, 302, 303, 307, 308", &Route::redirect_status,
                                  read_redirect_status, [](const auto& status) { return std::to_string(status); })
        .only(is_redirect, "redirect", "a route with `redirect`");
    t.own_duration("response_timeout", &Route::response_timeout, 1ms).only(is_forward, "pool", kForward);
    t.own_size("request_body_bytes", &Route::request_body_bytes).only(is_forward, "pool", kForward);
    t.value<Route, std::optional<bool>>("sticky", "true or false", &Route::sticky, as_optional<bool>(read_boolean),
                                        [](const auto& sticky) {
                                          return std::string(!sticky ? "" : *sticky ? "true" : "false");
                                        })
        .only(is_forward, "pool", kForward);
    t.settle = settle_action;
    t.check = check_route;
    return t;
  }();
  return table;
}

}  // namespace holdfast::conf
