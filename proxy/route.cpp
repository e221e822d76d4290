#include "proxy/route.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "http/path.h"

namespace holdfast::proxy {

namespace {

constexpr std::size_t kHostBytesMax = 255;  // RFC 1035 section 2.3.4

std::string_view without_final_dot(std::string_view host) {
  if (host.size() > 1 && host.back() == '.') host.remove_suffix(1);
  return host;
}

// By segments: "/a" holds for "/a" and "/a/b", not for "/ab"; "/a/" only below.
bool holds_for(std::string_view prefix, std::string_view path) {
  return path.starts_with(prefix) &&
         (prefix.ends_with('/') || path.size() == prefix.size() || path[prefix.size()] == '/');
}

constexpr bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

constexpr bool is_uri_text(char c) {
  return is_alphanumeric(c) || std::string_view("-._~%!$&'()*+,;=:@/?").find(c) != std::string_view::npos;
}

constexpr bool is_host_text(char c) { return is_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == ':'; }

void append_encoded(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (is_uri_text(c)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += "0123456789ABCDEF"[byte >> 4];
      out += "0123456789ABCDEF"[byte & 15];
    }
  }
}

// Several slashes in front would name a host to a browser; a backslash is encoded, so it cannot stand in for one.
void append_path(std::string& out, std::string_view path) {
  path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
  out += '/';
  if (path != "*") append_encoded(out, path);
}

bool append_host(std::string& out, std::string_view host) {
  if (host.empty() || !std::all_of(host.begin(), host.end(), is_host_text)) return false;
  const bool is_v6 = host.find(':') != std::string_view::npos;
  if (is_v6) out += '[';
  out += host;
  if (is_v6) out += ']';
  return true;
}

// Takes `word` off the front of `text` if it stands there.
bool take(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

}  // namespace

RouteTable::RouteTable(const conf::Settings& settings) {
  for (std::size_t i = 0; i < settings.routes.size(); ++i) {
    const conf::Route& route = settings.routes[i];
    const Prefix prefix{
        .path = route.path, .route = conf::RouteId{static_cast<std::uint32_t>(i)}, .action = route.action};
    const std::string host = base::to_lower(without_final_dot(route.host));
    if (host.empty()) {
      any_.push_back(prefix);
    } else if (host.starts_with("*.")) {
      wildcards_[host.substr(1)].push_back(prefix);
      wildcard_longest_ = std::max(wildcard_longest_, host.size() - 1);
    } else {
      exact_[host].push_back(prefix);
    }
  }
  link(any_);
  for (auto& [host, prefixes] : exact_) link(prefixes);
  for (auto& [host, prefixes] : wildcards_) link(prefixes);
}

void RouteTable::link(Prefixes& prefixes) {
  // Stable, then unique: of two equal prefixes the first in the file counts.
  std::stable_sort(prefixes.begin(), prefixes.end(), [](const Prefix& a, const Prefix& b) { return a.path < b.path; });
  const auto end =
      std::unique(prefixes.begin(), prefixes.end(), [](const Prefix& a, const Prefix& b) { return a.path == b.path; });
  prefixes.erase(end, prefixes.end());
  for (std::size_t i = 1; i < prefixes.size(); ++i) {
    std::size_t candidate = i;  // index + 1 of the neighbour in front, then of what that one begins with
    while (candidate != 0 && !prefixes[i].path.starts_with(prefixes[candidate - 1].path)) {
      candidate = prefixes[candidate - 1].shorter;
    }
    prefixes[i].shorter = candidate;
  }
}

// Every prefix of `path` is also one of the greatest entry that is not above `path`: so the search lands on one chain.
const RouteTable::Prefix* RouteTable::longest(const Prefixes& prefixes, std::string_view path) {
  std::size_t candidate = 1;
  if (prefixes.size() > 1) {  // most hosts have a single prefix: nothing to search
    const auto above = std::upper_bound(prefixes.begin(), prefixes.end(), path,
                                        [](std::string_view wanted, const Prefix& p) { return wanted < p.path; });
    candidate = static_cast<std::size_t>(above - prefixes.begin());
  }
  while (candidate != 0) {
    const Prefix& prefix = prefixes[candidate - 1];
    if (holds_for(prefix.path, path)) return &prefix;
    candidate = prefix.shorter;
  }
  return nullptr;
}

const RouteTable::Prefixes& RouteTable::prefixes_of(std::string_view host) const {
  host = without_final_dot(host);
  if (host.size() > kHostBytesMax || (exact_.empty() && wildcards_.empty())) return any_;
  std::array<char, kHostBytesMax> lowered;
  std::transform(host.begin(), host.end(), lowered.begin(), base::lower);
  const std::string_view name(lowered.data(), host.size());
  if (const auto found = exact_.find(name); found != exact_.end()) return found->second;
  // Dots further left than the longest wildcard reaches are not looked at; a name has at least a byte before the dot.
  const std::size_t first = name.size() > wildcard_longest_ ? name.size() - wildcard_longest_ : 1;
  for (std::size_t dot = name.find('.', std::max<std::size_t>(first, 1)); dot != std::string_view::npos;
       dot = name.find('.', dot + 1)) {
    if (const auto found = wildcards_.find(name.substr(dot)); found != wildcards_.end()) return found->second;
  }
  return any_;
}

Routed RouteTable::find(std::string_view host, std::string_view path) const {
  const Prefixes& prefixes = prefixes_of(host);
  if (prefixes.empty()) return {.why = NoRoute::UnknownHost};
  const Prefix* const found = longest(prefixes, path);
  if (found == nullptr) return {.why = NoRoute::NoPath};
  return {.route = found->route, .action = found->action};
}

Routed RouteTable::find(const http::RequestHead& request) const {
  if (request.path == "*") return find(request.host, "/");
  if (request.path_is_plain || http::is_plain_path(request.path)) return find(request.host, request.path);
  const Routed unresolved = find(request.host, http::unresolved_path(request.path));
  if (unresolved.action == conf::RouteAction::Deny) return unresolved;
  return find(request.host, http::normalised_path(request.path));
}

bool append_redirect_location(std::string& out, const conf::Route& route, const http::RequestHead& request) {
  const std::size_t start = out.size();
  std::string_view text = route.redirect_to;
  while (!text.empty()) {
    if (take(text, "{host}")) {
      if (append_host(out, request.host)) continue;
      out.resize(start);
      return false;
    }
    if (take(text, "{path}")) {
      // "/{path}" must not become "//...".
      while (out.size() > start && out.find_first_not_of("/\\", start) == std::string::npos) out.pop_back();
      append_path(out, request.path);
    } else if (take(text, "{query}")) {
      append_encoded(out, request.query);
    } else {
      const char c = text.front();
      if (static_cast<unsigned char>(c) > ' ' && c != 0x7f) out += c;
      text.remove_prefix(1);
    }
  }
  return true;
}

}  // namespace holdfast::proxy
