#include "conf/redis_url.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/text.h"
#include "conf/words.h"

namespace holdfast::conf {

namespace {

constexpr std::string_view kTcp = "redis://";
constexpr std::string_view kUnix = "redis+unix://";
constexpr std::string_view kTls = "rediss://";
constexpr std::uint64_t kDbMax = 65'535;
constexpr std::size_t kSocketPathMax = 107;  // sockaddr_un's, without its end

base::Error wrong(std::string what) { return {base::ErrorCode::Invalid, std::move(what)}; }

std::optional<unsigned> hex_digit(char c) {
  const char l = base::lower(c);
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (l >= 'a' && l <= 'f') return static_cast<unsigned>(l - 'a') + 10;
  return std::nullopt;
}

/// nullopt: a `%` without two digits, or a NUL.
std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const auto high = i + 2 < text.size() ? hex_digit(text[i + 1]) : std::nullopt;
      const auto low = i + 2 < text.size() ? hex_digit(text[i + 2]) : std::nullopt;
      if (!high || !low) return std::nullopt;
      c = static_cast<char>(*high << 4 | *low);
      i += 2;
    }
    if (c == '\0') return std::nullopt;
    out += c;
  }
  return out;
}

std::string encoded(std::string_view text, std::string_view plain) {
  constexpr std::string_view kUnreserved = "-._~";
  std::string out;
  for (const char c : text) {
    const char l = base::lower(c);
    const bool is_plain = (c >= '0' && c <= '9') || (l >= 'a' && l <= 'z') ||
                          kUnreserved.find(c) != std::string_view::npos || plain.find(c) != std::string_view::npos;
    out += is_plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

/// Takes "USER:PASSWORD@" from the front of `rest`.
base::Result<void> take_login(std::string_view& rest, Redis& into) {
  // The last one: a password with an @ that nobody has encoded is still understood.
  const auto at = rest.rfind('@');
  if (at == std::string_view::npos) return {};
  const std::string_view login = rest.substr(0, at);
  const auto colon = std::min(login.find(':'), login.size());
  auto user = decoded(login.substr(0, colon));
  auto password = decoded(login.substr(std::min(colon + 1, login.size())));
  if (!user) return wrong("the user has a `%` that is not followed by two hex digits");
  if (!password) return wrong("the password has a `%` that is not followed by two hex digits");
  into.user = *std::move(user);
  into.password = *std::move(password);
  rest.remove_prefix(at + 1);
  return {};
}

base::Result<void> take_db(std::string_view text, Redis& into) {
  const auto db = base::parse_decimal(text);
  if (!db || *db > kDbMax) return wrong(fmt::format("the database is not a number from 0 to {}", kDbMax));
  into.db = static_cast<std::uint32_t>(*db);
  return {};
}

base::Result<void> parse_tcp(std::string_view rest, Redis& into) {
  if (auto login = take_login(rest, into); !login) return login;
  if (rest.find('?') != std::string_view::npos) return wrong("leave out the query; the database follows a slash");
  if (const auto slash = rest.find('/'); slash != std::string_view::npos) {
    if (const auto db = rest.substr(slash + 1); !db.empty()) {
      if (auto taken = take_db(db, into); !taken) return taken;
    }
    rest = rest.substr(0, slash);
  }
  if (rest.empty()) return {};
  const auto host_end = rest.find(']') == std::string_view::npos ? 0 : rest.find(']');
  const bool has_port = rest.find(':', host_end) != std::string_view::npos;
  auto endpoint = parse_endpoint(has_port ? std::string(rest) : fmt::format("{}:{}", rest, kRedisPort), 1);
  if (!endpoint) return endpoint.error();
  into.address = *std::move(endpoint);
  return {};
}

base::Result<void> parse_unix(std::string_view rest, Redis& into) {
  std::string_view query;
  if (const auto mark = rest.rfind('?'); mark != std::string_view::npos) {
    query = rest.substr(mark + 1);
    rest = rest.substr(0, mark);
    if (!query.starts_with("db=")) return wrong("behind the path only ?db=NUMBER is known");
    if (auto taken = take_db(query.substr(3), into); !taken) return taken;
  }
  if (auto login = take_login(rest, into); !login) return login;
  auto path = decoded(rest);
  if (!path) return wrong("the path has a `%` that is not followed by two hex digits");
  if (!path->starts_with('/')) return wrong("the path of the socket is missing, as in redis+unix:///run/redis.sock");
  if (path->size() > kSocketPathMax) return wrong(fmt::format("the path has more than {} bytes", kSocketPathMax));
  into.socket_path = *std::move(path);
  return {};
}

}  // namespace

base::Result<void> parse_redis_url(std::string_view text, Redis& into) {
  if (text.starts_with(kTls)) return wrong("TLS to Redis is not yet supported");
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f)
      return wrong("a space or control character must be encoded");
  }
  if (text.starts_with(kUnix)) return parse_unix(text.substr(kUnix.size()), into);
  if (text.starts_with(kTcp)) return parse_tcp(text.substr(kTcp.size()), into);
  return wrong("it begins with redis:// or redis+unix://");
}

std::string redis_url_text(const Redis& redis) {
  std::string login = encoded(redis.user, "");
  if (!redis.password.empty()) login += ":[redacted]";
  if (!login.empty()) login += '@';
  if (!redis.socket_path.empty()) {
    return fmt::format("{}{}{}?db={}", kUnix, login, encoded(redis.socket_path, "/"), redis.db);
  }
  if (redis.address.host.empty() && login.empty() && redis.db == 0) return {};
  return fmt::format("{}{}{}/{}", kTcp, login, redis.address.host.empty() ? "" : redis.address.text(), redis.db);
}

}  // namespace holdfast::conf
