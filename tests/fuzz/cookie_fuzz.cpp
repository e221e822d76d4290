#include <cstdint>
#include <string>

#include "http/cookie.h"
#include "http/cookie_date.h"
#include "tests/fuzz/must.h"

using namespace holdfast::fuzz;
using namespace holdfast::http;

namespace {

bool is_inside(std::string_view part, std::string_view whole) {
  if (part.empty()) return true;
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

std::string without_sid(std::string_view field) {
  OtherCookies others(field, "sid");
  if (!others.is_changed()) return std::string(field);
  std::string out;
  for (std::string_view piece; others.next(piece);) {
    must(is_inside(piece, field), "a piece is a view into the field");
    out += piece;
  }
  return others.has_content() ? out : "";
}

void check_cookie(std::string_view field) {
  const auto found = find_cookie(field, "sid");
  if (found) must(is_inside(*found, field), "a value is a view into the field");
  const std::string without = without_sid(field);
  must(!find_cookie(without, "sid"), "a cookie left out is gone");
  must(without.size() <= field.size(), "leaving out adds nothing");
  if (const auto other = find_cookie(field, "a")) must(find_cookie(without, "a") == other, "the others stay");
  must(without_sid(without) == without, "once is enough");
}

void check_set_cookie(std::string_view field) {
  const auto cookie = parse_set_cookie(field, 1'800'000'000);
  if (!cookie) return;
  must(is_inside(cookie->name, field) && is_inside(cookie->value, field), "name and value are views into the field");
  must(!cookie->name.empty() && cookie->name.find_first_of(";=") == std::string_view::npos, "a name is a name");
  must(cookie->value.find(';') == std::string_view::npos, "a value ends at the semicolon");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view field(reinterpret_cast<const char*>(data), size);
  check_cookie(field);
  check_set_cookie(field);
  if (const auto date = parse_cookie_date(field)) {
    must(*date >= -11644473600 && *date < 253402300800, "a date lies between 1601 and 9999");
  }
  return 0;
}
