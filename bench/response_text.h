#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

/// A response as the users of the failover benchmark read it: no more of HTTP than our own app sends through the
/// proxies that are compared.
namespace holdfast::bench {

/// The response so far: is it whole, and is the connection good for more?
struct Response {
  bool is_whole = false;
  bool is_last = false;
  std::size_t head = 0;  ///< Its length, with the line end of its last field.
};
Response look_at(const std::string& input, bool has_ended);

/// The value of the first field of that name at or after `from`, which moves behind it; empty: there is none.
std::string field(std::string_view head, std::string_view name, std::size_t& from);
std::string field(std::string_view head, std::string_view name);

using CookieJar = std::map<std::string, std::string>;
/// Puts in what the response sets, and takes out what it deletes.
void take_cookies(CookieJar& jar, std::string_view head);

}  // namespace holdfast::bench
