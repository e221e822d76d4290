#include "bench/response_text.h"

#include <strings.h>

#include <algorithm>
#include <cstdlib>

namespace holdfast::bench {

std::string field(std::string_view head, std::string_view name, std::size_t& from) {
  while ((from = head.find("\r\n", from)) != std::string_view::npos && from + 2 < head.size()) {
    from += 2;
    const std::string_view line = head.substr(from, head.find("\r\n", from) - from);
    if (line.size() > name.size() && line[name.size()] == ':' &&
        strncasecmp(line.data(), name.data(), name.size()) == 0) {
      const std::size_t value = line.find_first_not_of(' ', name.size() + 1);
      return value == std::string_view::npos ? std::string() : std::string(line.substr(value));
    }
  }
  return {};
}

std::string field(std::string_view head, std::string_view name) {
  std::size_t from = 0;
  return field(head, name, from);
}

Response look_at(const std::string& input, bool has_ended) {
  const std::size_t end = input.find("\r\n\r\n");
  if (end == std::string::npos) return {};
  Response response{.head = end + 2};
  const std::string_view head = std::string_view(input).substr(0, end + 2);
  response.is_last = strcasecmp(field(head, "Connection").c_str(), "close") == 0 || has_ended;
  const std::string length = field(head, "Content-Length");
  if (!length.empty()) {
    response.is_whole = input.size() >= end + 4 + std::strtoull(length.c_str(), nullptr, 10);
  } else if (!field(head, "Transfer-Encoding").empty()) {
    response.is_whole = input.ends_with("0\r\n\r\n");
  } else {
    response.is_whole = response.is_last = has_ended;
  }
  return response;
}

void take_cookies(CookieJar& jar, std::string_view head) {
  std::size_t from = 0;
  for (std::string line = field(head, "Set-Cookie", from); !line.empty(); line = field(head, "Set-Cookie", from)) {
    const std::size_t equals = std::min(line.find('='), line.size() - 1);
    const std::string value = line.substr(equals + 1, line.find(';') - equals - 1);
    if (value.empty() || line.find("Max-Age=0") != std::string::npos) {
      jar.erase(line.substr(0, equals));
    } else {
      jar[line.substr(0, equals)] = value;
    }
  }
}

}  // namespace holdfast::bench
