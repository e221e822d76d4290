#include "tests/house/prose_rules.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <functional>
#include <string_view>

namespace holdfast::house {
namespace {

constexpr std::size_t kColumnsMax = 100;

/// Words that have no good use in our prose, and what is written instead.
struct RetiredProse {
  std::string_view words;  ///< Separated by blanks.
  std::string_view instead;
};
constexpr std::array kRetired = {
    RetiredProse{"answer answers answered answering", "response, reply; respond"},
    RetiredProse{"node nodes", "backend, or proxy"},
    RetiredProse{"poison poisonous poisoned", "quarantine; crash"},
    RetiredProse{"bequest heirloom heirlooms heir heirs inherit inherits inherited", "handover; import, export"},
    RetiredProse{"predecessor predecessors successor successors", "old process, new process"},
    RetiredProse{"census", "session usage"},
    RetiredProse{"hear hears heard hearing hearer hearers", "receive; subscriber"},
    RetiredProse{"receipt receipts", "acknowledgement"},
    RetiredProse{"gate gates door doors", "concurrency limit"},
    RetiredProse{"outbox", "send buffer"},
    RetiredProse{"desk desks asker askers", "owner, listener, handler"},
    RetiredProse{"misspoken", "protocol error"},
    RetiredProse{"shout shouts shouted", "broadcast"},
    RetiredProse{"sighting sightings", "observation"},
    RetiredProse{"pulse pulses beat beats", "heartbeat"},
    RetiredProse{"namesake namesakes twin twins", "duplicate name"},
    RetiredProse{"fled", "moved"},
    RetiredProse{"excuse excuses mood moods haste", "error details; severity; priority"},
    RetiredProse{"mistake mistakes", "error"},
    RetiredProse{"rival rivals deeds blow blows", "contender; action; impact"},
    RetiredProse{"anew", "again"},
    RetiredProse{"besides", "in addition to"},
    RetiredProse{"shall", "must, should"},
    RetiredProse{"whom", "a shorter sentence"},
    RetiredProse{"he him his himself", "they, them, their"},
};

bool is_prose(std::string_view path) {
  if (!path.ends_with(".md") || path.starts_with("bench/results/")) return false;
  return path.find('/') == std::string_view::npos || path.starts_with("docs/") || path.starts_with("bench/");
}

bool holds(std::string_view words, std::string_view word) {
  for (auto at = words.find(word); at != std::string_view::npos; at = words.find(word, at + 1)) {
    const auto end = at + word.size();
    if ((at == 0 || words[at - 1] == ' ') && (end == words.size() || words[end] == ' ')) return true;
  }
  return false;
}

const RetiredProse* retired(std::string_view word) {
  const auto at = std::ranges::find_if(kRetired, [&](const RetiredProse& each) { return holds(each.words, word); });
  return at == kRetired.end() ? nullptr : &*at;
}

/// Calls `on_line` with the number and the text of each line outside of code blocks.
void each_prose_line(std::string_view text, const std::function<void(std::size_t, std::string_view)>& on_line) {
  bool is_code = false;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto first = std::min(line.find_first_not_of(' '), line.size());
    const bool is_fence = line.substr(first).starts_with("```");
    if (is_fence) is_code = !is_code;
    if (!is_fence && !is_code) on_line(number, line);
  }
}

/// `line` with blanks for code in it and for where its links go. `is_span`: a span of code is open at its begin, and
/// then at its end.
std::string without_code(std::string_view line, bool& is_span) {
  std::string prose;
  bool is_target = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '`') is_span = !is_span;
    if (!is_span && c == '(' && i > 0 && line[i - 1] == ']') is_target = true;
    if (is_target && c == ')') is_target = false;
    prose += is_span || is_target ? ' ' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return prose;
}

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }

std::vector<std::string_view> words_of(std::string_view prose) {
  std::vector<std::string_view> words;
  for (std::size_t at = 0; at < prose.size();) {
    std::size_t end = at;
    while (end < prose.size() && is_letter(prose[end])) ++end;
    if (end > at) words.push_back(prose.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

std::size_t columns_of(std::string_view line) {
  return static_cast<std::size_t>(
      std::ranges::count_if(line, [](char c) { return (static_cast<unsigned char>(c) & 0xc0u) != 0x80u; }));
}

std::string place(std::string_view path, std::size_t line) {
  return std::string(path) + ":" + std::to_string(line) + ": ";
}

}  // namespace

std::vector<std::string> prose_word_offences(const std::map<std::string, std::string>& tree) {
  std::vector<std::string> offences;
  for (const auto& [path, text] : tree) {
    if (!is_prose(path)) continue;
    bool is_span = false;
    each_prose_line(text, [&, &path = path](std::size_t number, std::string_view line) {
      if (line.empty()) is_span = false;  // no span goes on in the next paragraph
      const std::string prose = without_code(line, is_span);
      for (const std::string_view word : words_of(prose)) {
        const RetiredProse* const found = retired(word);
        if (found == nullptr) continue;
        offences.push_back(place(path, number) + "\"" + std::string(word) + "\" (write " + std::string(found->instead) +
                           ")");
      }
    });
  }
  return offences;
}

std::vector<std::string> prose_width_offences(const std::map<std::string, std::string>& tree) {
  std::vector<std::string> offences;
  for (const auto& [path, text] : tree) {
    if (!is_prose(path)) continue;
    each_prose_line(text, [&, &path = path](std::size_t number, std::string_view line) {
      const bool is_free = line.starts_with('|') || line.starts_with('#') || line.starts_with("![");
      if (is_free || columns_of(line) <= kColumnsMax) return;
      offences.push_back(place(path, number) + std::to_string(columns_of(line)) + " columns; prose wraps at " +
                         std::to_string(kColumnsMax));
    });
  }
  return offences;
}

}  // namespace holdfast::house
