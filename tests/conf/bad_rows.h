#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "conf/reader.h"

/// Tables of bad configurations, and where their mistakes are.
namespace holdfast::tests {

/// What a row's text stands behind: a file that is good without it.
enum class Ground { None, Listen, Whole };

struct Row {
  Ground ground;
  const char* text;                    ///< "^" marks where an error is expected, and is taken out.
  std::vector<const char*> fragments;  ///< Of the messages, one for each mark, in order.
};

struct Marked {
  std::string toml;
  std::vector<conf::Diagnostic> places;
};

/// Lines and columns are counted here, apart from the parser.
inline Marked marked(const Row& row) {
  constexpr std::string_view kListenTable = "[[listen]]\naddress = \"0.0.0.0:8080\"\n";
  constexpr std::string_view kPoolTable = "[pools.shop]\nbackends = [\"10.0.0.1:80\"]\n";
  std::string text;
  if (row.ground != Ground::None) text += kListenTable;
  if (row.ground == Ground::Whole) text += kPoolTable;
  text += row.text;
  Marked out;
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  for (const char c : text) {
    if (c == '^') {
      out.places.push_back({line, column, ""});
      continue;
    }
    out.toml += c;
    const bool is_continuation = (static_cast<unsigned char>(c) & 0xC0) == 0x80;
    column += is_continuation ? 0 : 1;
    if (c == '\n') {
      ++line;
      column = 1;
    }
  }
  return out;
}

inline void check_rows(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    INFO(std::string(row.text));
    const Marked want = marked(row);
    REQUIRE(want.places.size() == row.fragments.size());
    const auto result = conf::read_settings(want.toml);
    const auto* found = std::get_if<std::vector<conf::Diagnostic>>(&result);
    CHECK_MESSAGE(found != nullptr, "no error was found");
    if (found == nullptr) continue;
    INFO(diagnostics_text("file", *found));
    CHECK(found->size() == want.places.size());
    for (std::size_t i = 0; i < std::min(found->size(), want.places.size()); ++i) {
      CHECK((*found)[i].line == want.places[i].line);
      CHECK((*found)[i].column == want.places[i].column);
      INFO(std::string(row.fragments[i]));
      CHECK((*found)[i].what.find(row.fragments[i]) != std::string::npos);
    }
  }
}

inline constexpr Ground kNone = Ground::None;
inline constexpr Ground kListen = Ground::Listen;
inline constexpr Ground kWhole = Ground::Whole;

}  // namespace holdfast::tests
