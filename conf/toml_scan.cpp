#include "conf/toml_scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace holdfast::conf {

namespace {

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

/// Walks over the text once; knows only what is a string, a comment, and the rest.
class Scan {
 public:
  Scan(std::string_view text, std::size_t segments_max) : text_(text), segments_max_(segments_max) {}

  std::optional<Diagnostic> trouble() {
    while (at_ < text_.size() && !trouble_) step();
    return std::move(trouble_);
  }

 private:
  void step() {
    switch (text_[at_]) {
      case '"':
      case '\'':
        return skip_string();
      case '#':
        at_ = std::min(text_.find('\n', at_), text_.size());
        return;
      case '.':
        if (++dots_ >= segments_max_) return fail(fmt::format("a key of more than {} parts", segments_max_));
        break;
      case '\n':
      case '=':
      case ',':
      case '[':
      case ']':
      case '{':
      case '}':
        dots_ = 0;
        break;
      default:
        break;
    }
    ++at_;
  }

  void skip_string() {
    const char quote = text_[at_];
    const std::string_view triple = quote == '"' ? "\"\"\"" : "'''";
    if (text_.substr(at_, 3) == triple) return skip_multiline_string(quote, triple);
    ++at_;
    while (at_ < text_.size() && text_[at_] != '\n') {
      if (text_[at_] == quote) {
        ++at_;
        return;
      }
      at_ += quote == '"' && text_[at_] == '\\' ? std::size_t{2} : std::size_t{1};
    }
  }

  void skip_multiline_string(char quote, std::string_view triple) {
    at_ += 3;
    while (at_ < text_.size() && !trouble_) {
      if (text_.substr(at_, 3) == triple) {
        at_ += 3;
        // Up to two more quotes belong to the string: """a""""" ends with the last of them.
        for (int i = 0; i < 2 && at_ < text_.size() && text_[at_] == quote; ++i) ++at_;
        return;
      }
      at_ += quote == '"' && text_[at_] == '\\' ? std::size_t{2} : std::size_t{1};
    }
  }

  void fail(std::string what) {
    const std::string_view before = text_.substr(0, at_);
    const std::string_view line = before.substr(before.rfind('\n') + 1);
    const auto lines = std::count(before.begin(), before.end(), '\n');
    const auto characters = std::count_if(line.begin(), line.end(), [](char c) { return !is_continuation(c); });
    trouble_ =
        Diagnostic{static_cast<std::uint32_t>(1 + lines), static_cast<std::uint32_t>(1 + characters), std::move(what)};
  }

  std::string_view text_;
  std::size_t segments_max_;
  std::size_t at_ = 0;
  std::size_t dots_ = 0;  ///< In the key, or what may be one, that we are in.
  std::optional<Diagnostic> trouble_;
};

}  // namespace

std::optional<Diagnostic> find_trouble(std::string_view text, std::size_t segments_max) {
  return Scan(text, segments_max).trouble();
}

}  // namespace holdfast::conf
