#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "conf/settings.h"
#include "http/head.h"

namespace holdfast::proxy {

enum class NoRoute : std::uint8_t {
  UnknownHost,  ///< Nobody serves this host: 421 (RFC 9110 section 15.5.20).
  NoPath,       ///< The host is ours, the path is nobody's: 404.
};

struct Routed {
  std::optional<conf::RouteId> route = {};
  NoRoute why = NoRoute::UnknownHost;                     ///< Without a route.
  conf::RouteAction action = conf::RouteAction::Forward;  ///< Of the route.
};

/// Host and path -> route. Built once from a Settings and immutable: any thread. It keeps copies of what it needs.
///
/// The host is settled first: an exact name wins over a wildcard, a longer wildcard over a shorter one, and a route
/// without a host takes whatever no other names. Then the longest path prefix among that host's routes wins. A host
/// that is named somewhere never falls back to the routes of a less specific one: whoever reads the routes of a host
/// has read everything that can happen to its requests.
class RouteTable {
 public:
  explicit RouteTable(const conf::Settings& settings);

  /// Where a request goes. A path that backends may read in two ways (http/path.h) is denied if either reading is, and
  /// otherwise goes where its normalised form says. "*" (OPTIONS *) counts as "/". Only odd paths cost an allocation.
  Routed find(const http::RequestHead& request) const;

  /// `host` without port and brackets, in any case, with or without the final dot of a full name; empty when the client
  /// named none. `path` is plain or normalised (http/path.h).
  /// Costs one hash look-up, one more for each dot in front of a wildcard, and a binary search. No allocation.
  Routed find(std::string_view host, std::string_view path) const;

 private:
  struct Prefix {
    std::string path;
    conf::RouteId route{};
    conf::RouteAction action = conf::RouteAction::Forward;
    std::size_t shorter = 0;  // index + 1 of the longest other prefix that this one begins with; 0: none
  };
  using Prefixes = std::vector<Prefix>;  // sorted by path
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  using Hosts = std::unordered_map<std::string, Prefixes, Hash, std::equal_to<>>;

  static void link(Prefixes& prefixes);
  static const Prefix* longest(const Prefixes& prefixes, std::string_view path);
  const Prefixes& prefixes_of(std::string_view host) const;

  Hosts exact_;
  Hosts wildcards_;                   // "*.example.com" under ".example.com"
  std::size_t wildcard_longest_ = 0;  // bytes
  Prefixes any_;
};

/// Appends the Location of a Redirect route with {host}, {path} and {query} filled in from the request. What comes from
/// the client is percent-encoded where it is not plain URI text (RFC 3986), so it can end neither the field nor the
/// path, and it never turns a path of ours into the name of another host ("//evil.example").
/// False, and nothing appended, when the text needs a host and the client named none (or an impossible one): answer
/// 400.
[[nodiscard]] bool append_redirect_location(std::string& out, const conf::Route& route,
                                            const http::RequestHead& request);

}  // namespace holdfast::proxy
