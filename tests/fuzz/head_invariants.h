#pragma once

#include <string_view>
#include <vector>

#include "http/h1_parser.h"
#include "http/head.h"
#include "http/scan.h"
#include "tests/fuzz/must.h"

/// What holds for every head that the parsers let pass.
namespace holdfast::fuzz {

inline bool is_inside(std::string_view part, std::string_view whole) {
  if (part.empty()) return true;
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

inline void check_fields(const std::vector<http::Field>& fields, std::string_view input) {
  int lengths = 0;
  for (const http::Field& field : fields) {
    must(is_inside(field.name, input) && is_inside(field.value, input), "fields are views into the input");
    must(http::scan::is_token(field.name), "a name is a token");
    for (const char c : field.value) must(c != '\r' && c != '\n' && c != '\0', "no value can end a line");
    if (!field.value.empty()) {
      must(field.value.front() != ' ' && field.value.front() != '\t', "values are trimmed in front");
      must(field.value.back() != ' ' && field.value.back() != '\t', "values are trimmed behind");
    }
    if (field.id == http::FieldId::ContentLength) ++lengths;
    if (field.id == http::FieldId::TransferEncoding) must(field.hop_by_hop, "codings are hop-by-hop");
  }
  must(lengths <= 1, "at most one Content-Length passes");
}

inline bool is_same(const std::vector<http::Field>& a, const std::vector<http::Field>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].name != b[i].name || a[i].value != b[i].value || a[i].id != b[i].id ||
        a[i].hop_by_hop != b[i].hop_by_hop) {
      return false;
    }
  }
  return true;
}

/// Within the limits the status is the same, too; past them, "too long" may be found before or after a fault.
inline bool is_same(const http::Parsed& a, const http::Parsed& b, bool is_within_limits) {
  if (a.state != b.state || a.consumed != b.consumed) return false;
  return a.state != http::Parsed::State::Bad || !is_within_limits || a.status == b.status;
}

}  // namespace holdfast::fuzz
