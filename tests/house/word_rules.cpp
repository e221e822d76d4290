#include "tests/house/word_rules.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <string_view>
#include <utility>

namespace holdfast::house {
namespace {

/// A word that is not used any more in names, and what is said instead.
struct RetiredWord {
  std::string_view word;
  std::string_view instead;
};
/// As a part of an identifier (snake_case or CamelCase), whole.
constexpr std::array kRetiredParts = {
    RetiredWord{"answer", "response; reply of Redis"},
    RetiredWord{"answers", "responses; replies of Redis"},
    RetiredWord{"bequest", "handover"},
    RetiredWord{"heirloom", "SessionRecord"},
    RetiredWord{"heirlooms", "SessionBatch"},
    RetiredWord{"heir", "NewProcess"},
    RetiredWord{"heirs", "UpgradeChain"},
    RetiredWord{"predecessor", "OldProcess"},
    RetiredWord{"successor", "NewProcess"},
    RetiredWord{"census", "SessionUsage"},
    RetiredWord{"hearing", "CopyLease"},
    RetiredWord{"hearer", "subscriber"},
    RetiredWord{"hearers", "subscribers"},
    RetiredWord{"heard", "acked, received"},
    RetiredWord{"hear", "apply_update"},
    RetiredWord{"receipt", "ack"},
    RetiredWord{"receipts", "acks"},
    RetiredWord{"newcomer", "AdmissionRequest"},
    RetiredWord{"outbox", "SendBuffer"},
    RetiredWord{"desk", "service, handler"},
    RetiredWord{"desks", "services"},
    RetiredWord{"asker", "handler"},
    RetiredWord{"sight", "ReadStamp"},
    RetiredWord{"doubt", "invalidate"},
    RetiredWord{"tell", "notify, publish, send"},
    RetiredWord{"say", "notify, publish, print"},
    RetiredWord{"misspoken", "protocol_error"},
    RetiredWord{"shout", "broadcast"},
    RetiredWord{"shouted", "broadcast"},
    RetiredWord{"sighting", "observation"},
    RetiredWord{"sightings", "observations"},
    RetiredWord{"pulse", "heartbeat"},
    RetiredWord{"beat", "heartbeat"},
    RetiredWord{"namesake", "duplicate name"},
    RetiredWord{"namesakes", "duplicate names"},
    RetiredWord{"twin", "duplicate name, lookalike"},
    RetiredWord{"poison", "quarantine"},
    RetiredWord{"fled", "failed_from"},
    RetiredWord{"freed", "released"},
    RetiredWord{"excuse", "ErrorDetails"},
    RetiredWord{"mood", "severity"},
    RetiredWord{"haste", "priority"},
    RetiredWord{"seeker", "MasterDiscovery"},
    RetiredWord{"mistake", "diagnostic"},
    RetiredWord{"mistakes", "diagnostics"},
    RetiredWord{"rival", "contender"},
    RetiredWord{"rivals", "contenders"},
    RetiredWord{"deeds", "actions"},
    RetiredWord{"blow", "impact"},
    RetiredWord{"nodes", "backends (of an app) or proxies"},
};
/// As a whole identifier.
constexpr std::array kRetiredNames = {
    RetiredWord{"Held", "BindResult"},
    RetiredWord{"Found", "LookupResult"},
    RetiredWord{"Places", "SessionSlots"},
    RetiredWord{"Gate", "ConcurrencyLimits, Latch"},
    RetiredWord{"Gates", "ConcurrencyLimits"},
    RetiredWord{"Print", "Fingerprint"},
    RetiredWord{"Reports", "a Listener"},
    RetiredWord{"Calls", "an Owner, Listener or Handler"},
    RetiredWord{"Voice", "Logging"},
    RetiredWord{"Unseen", "NoEcho"},
    RetiredWord{"RecentKinds", "SeenKinds"},
    RetiredWord{"RedisGround", "RedisContext"},
    RetiredWord{"DarkRoom", "NetNamespace"},
    RetiredWord{"Node", "BackendConfig, or a proxy"},
    RetiredWord{"Change", "SessionChange, KeyChange, MembershipChange"},
    RetiredWord{"below_", "transport_"},
};

bool is_page(std::string_view path) { return path.starts_with("docs/") && path.ends_with(".md"); }
bool is_source(std::string_view path) { return path.ends_with(".cpp") || path.ends_with(".h"); }

bool is_identifier(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

/// `text` without comments and literals: they are blanks.
std::string code_only(std::string_view text) {
  std::string code;
  code.reserve(text.size());
  while (!text.empty()) {
    std::size_t skip = 0;
    if (text.starts_with("//")) {
      skip = std::min(text.find('\n'), text.size());
    } else if (text.starts_with("/*")) {
      skip = std::min(text.find("*/", 2), text.size() - 2) + 2;
    } else if (text.starts_with("R\"")) {
      const auto open = std::min(text.find('('), text.size() - 1);
      const std::string end = ")" + std::string(text.substr(2, open - 2)) + "\"";
      skip = std::min(text.find(end, open), text.size() - end.size()) + end.size();
    } else if (text[0] == '"' || (text[0] == '\'' && (code.empty() || !is_identifier(code.back())))) {
      skip = 1;
      while (skip < text.size() && text[skip] != text[0] && text[skip] != '\n') skip += text[skip] == '\\' ? 2u : 1u;
      skip = std::min(skip + 1, text.size());
    }
    code += skip == 0 ? text[0] : ' ';
    text.remove_prefix(std::max<std::size_t>(skip, 1));
  }
  return code;
}

/// What stands in `code` in a page, one piece a line.
std::string quoted_code(std::string_view page) {
  std::string code;
  for (auto open = page.find('`'); open != std::string_view::npos;) {
    const auto close = page.find('`', open + 1);
    if (close == std::string_view::npos) break;
    code.append(page.substr(open + 1, close - open - 1)) += '\n';
    open = page.find('`', close + 1);
  }
  return code;
}

std::set<std::string> identifiers_of(std::string_view code) {
  std::set<std::string> names;
  for (std::size_t at = 0; at < code.size();) {
    std::size_t end = at;
    while (end < code.size() && is_identifier(code[end])) ++end;
    if (end > at && std::isdigit(static_cast<unsigned char>(code[at])) == 0) names.emplace(code.substr(at, end - at));
    at = end + 1;
  }
  return names;
}

std::set<std::string, std::less<>> parts_of(std::string_view name) {
  std::set<std::string, std::less<>> parts;
  std::string part;
  for (std::size_t i = 0; i <= name.size(); ++i) {
    const auto c = i < name.size() ? static_cast<unsigned char>(name[i]) : '_';
    const bool is_capital = std::isupper(c) != 0;
    if ((c == '_' || is_capital) && !part.empty()) parts.insert(std::exchange(part, {}));
    if (c != '_') part += static_cast<char>(std::tolower(c));
  }
  return parts;
}

void find_retired(const std::string& path, const std::string& name, std::vector<std::string>& offences) {
  const auto offend = [&](const RetiredWord& word) {
    offences.push_back(path + ": " + name + " (say " + std::string(word.instead) + ")");
  };
  const auto parts = parts_of(name);
  for (const RetiredWord& word : kRetiredParts) {
    if (parts.contains(word.word)) offend(word);
  }
  for (const RetiredWord& word : kRetiredNames) {
    if (name == word.word) offend(word);
  }
}

bool is_camel_case(std::string_view name) {
  return std::isupper(static_cast<unsigned char>(name[0])) != 0 &&
         std::ranges::any_of(name, [](unsigned char c) { return std::islower(c) != 0; });
}

}  // namespace

std::vector<std::string> word_offences(const std::map<std::string, std::string>& tree) {
  std::vector<std::string> offences;
  for (const auto& [path, text] : tree) {
    if (!is_source(path) && !is_page(path)) continue;
    for (const std::string& name : identifiers_of(is_page(path) ? quoted_code(text) : code_only(text))) {
      // In docs, names of types only: the rest is what users type and read.
      if (is_source(path) || is_camel_case(name)) find_retired(path, name, offences);
    }
  }
  return offences;
}

}  // namespace holdfast::house
