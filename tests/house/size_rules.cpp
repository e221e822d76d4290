#include "tests/house/size_rules.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <regex>
#include <utility>

#include "tests/house/code_text.h"

namespace holdfast::house {

namespace {

constexpr std::size_t kRecordMethodsMax = 4;

bool is_identifier(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

/// Without preprocessor lines: they are empty.
std::string without_directives(std::string code) {
  bool is_directive = false;
  bool is_line_start = true;
  for (std::size_t i = 0; i < code.size(); ++i) {
    if (code[i] == '\n') {
      is_directive = is_directive && i > 0 && code[i - 1] == '\\';
      is_line_start = true;
      continue;
    }
    if (is_line_start && code[i] == '#') is_directive = true;
    if (std::isspace(static_cast<unsigned char>(code[i])) == 0) is_line_start = false;
    if (is_directive && (code[i] != '\\' || code[i + 1] != '\n')) code[i] = ' ';
  }
  return code;
}

/// Without what stands between the angle brackets of templates, and without attributes.
std::string without_brackets(std::string_view text) {
  std::string out;
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool opens = c == '<' && i > 0 && (is_identifier(text[i - 1]) || text[i - 1] == ' ') && text[i - 1] != '<';
    if (opens) ++depth;
    if (depth == 0) out += c;
    if (c == '>' && depth > 0 && text[i - 1] != '-') --depth;
  }
  static const std::regex kAttributes(R"(\[\[.*?\]\]|alignas\s*\([^)]*\))");
  return std::regex_replace(out, kAttributes, "");
}

/// One statement of a class or namespace, made simple: no access labels, no template parameters.
std::string simple(std::string_view statement) {
  static const std::regex kNoise(R"(\b(public|private|protected)\s*:|\btemplate\b|\brequires\b[^;{]*)");
  const std::string text = std::regex_replace(without_brackets(statement), kNoise, "");
  const auto start = text.find_first_not_of(" \n\t");
  return start == std::string::npos ? std::string() : text.substr(start);
}

struct Scope {
  enum class Kind { Namespace, Class, Function, Other };
  Kind kind = Kind::Namespace;
  std::size_t line = 0;
  std::string name;       // of a function: what stands before its brace
  std::string statement;  // that it interrupts
  ClassSize size;
  bool has_private = false;
};

class Walk {
 public:
  explicit Walk(std::string file) : file_(std::move(file)) { scopes_.push_back({}); }

  void run(std::string_view text) {
    for (const char c : without_directives(code_only(text))) {
      if (c == '\n') ++line_;
      switch (c) {
        case '{':
          open();
          break;
        case '}':
          close();
          break;
        case ';':
          if (scopes_.back().kind == Scope::Kind::Class) count(simple(statement_));
          statement_.clear();
          break;
        default:
          statement_ += c;
      }
    }
  }

  std::vector<ClassSize> classes;
  std::vector<std::pair<std::string, std::size_t>> functions;  // what and where, lines

 private:
  void open() {
    Scope scope{.kind = kind_of_brace(), .line = line_, .name = {}, .statement = statement_, .size = {}};
    if (scope.kind == Scope::Kind::Class) {
      std::smatch found;
      const std::string text = simple(statement_);
      static const std::regex kName(R"(\b(class|struct|union)\s+([A-Za-z_]\w*))");
      std::regex_search(text, found, kName);
      scope.size = {.file = file_, .name = found[2].str()};
      scope.has_private = found[1] == "class";
    }
    scope.name = statement_;
    scopes_.push_back(std::move(scope));
    statement_.clear();
  }

  void close() {
    if (scopes_.size() == 1) return;
    Scope scope = std::move(scopes_.back());
    scopes_.pop_back();
    statement_.clear();
    switch (scope.kind) {
      case Scope::Kind::Class:
        scope.size.is_record = !scope.has_private && scope.size.methods <= kRecordMethodsMax;
        classes.push_back(scope.size);
        break;
      case Scope::Kind::Function:
        functions.emplace_back(where(scope), line_ - scope.line + 1);
        if (scopes_.back().kind == Scope::Kind::Class) count(simple(scope.statement));
        break;
      case Scope::Kind::Other:
        statement_ = scope.statement + " ";  // an initialiser: its statement goes on
        break;
      case Scope::Kind::Namespace:
        break;
    }
  }

  Scope::Kind kind_of_brace() const {
    const Scope::Kind outer = scopes_.back().kind;
    if (outer == Scope::Kind::Function || outer == Scope::Kind::Other) return Scope::Kind::Other;
    const std::string text = simple(statement_);
    static const std::regex kNamespace(R"(\bnamespace\b|^extern\b\s*$)");
    static const std::regex kClass(R"(^(typedef\s+)?(class|struct|union)\b[^(=]*$)");
    static const std::regex kInitialised(R"(\)\s*(noexcept\s*)?:[^:])");  // a constructor's members
    if (std::regex_search(text, kNamespace)) return Scope::Kind::Namespace;
    if (std::regex_search(text, kClass)) return Scope::Kind::Class;
    const auto paren = text.find('(');
    if (paren == std::string::npos || text.find('=') < paren) return Scope::Kind::Other;
    const auto last = text.find_last_not_of(" \n\t");
    if (std::regex_search(text, kInitialised) && is_identifier(text[last])) return Scope::Kind::Other;
    return Scope::Kind::Function;
  }

  void count(const std::string& text) {
    Scope& scope = scopes_.back();
    if (statement_.find("private") != std::string::npos || scope.statement.find("private:") != std::string::npos) {
      scope.has_private = true;
    }
    static const std::regex kNothing(R"(^(using|friend|enum|static_assert|typedef|class|struct)\b|^\s*$|=\s*delete)");
    if (std::regex_search(text, kNothing)) return;
    const auto paren = text.find('(');
    if (paren == std::string::npos || text.find('=') < paren) {
      static const std::regex kStatic(R"(\b(static|constexpr)\b)");
      if (!std::regex_search(text, kStatic)) ++scope.size.members;
      return;
    }
    std::smatch name;
    const std::string before = text.substr(0, paren);
    static const std::regex kOperator(R"(\boperator\b)");
    static const std::regex kName(R"((~?\w+)\s*$)");
    if (std::regex_search(before, kOperator) || !std::regex_search(before, name, kName)) return;
    if (name[1] == scope.size.name || name[1].str().starts_with('~')) return;
    ++scope.size.methods;
  }

  std::string where(const Scope& scope) const {
    std::string text = simple(scope.name);
    text = text.substr(0, text.find('('));
    const auto start = text.find_last_of(" \n*&");
    return file_ + ":" + std::to_string(scope.line) + ": " +
           (start == std::string::npos ? text : text.substr(start + 1));
  }

  std::string file_;
  std::size_t line_ = 1;
  std::string statement_;
  std::vector<Scope> scopes_;
};

}  // namespace

std::vector<ClassSize> classes_of(const std::string& file, std::string_view text) {
  Walk walk(file);
  walk.run(text);
  return walk.classes;
}

std::vector<std::string> class_offences(const Tree& tree, const Sizes& sizes) {
  std::vector<std::string> offences;
  for (const auto& [path, text] : tree) {
    if (!is_source(path)) continue;
    for (const ClassSize& one : classes_of(path, text)) {
      const auto check = [&, &file = path](std::size_t count, std::size_t most, const char* what) {
        if (count <= most) return;
        offences.push_back(file + ": " + one.name + " has " + std::to_string(count) + " " + what + ", more than " +
                           std::to_string(most));
      };
      if (!one.is_record) check(one.members, sizes.members_max, "data members");
      check(one.methods, sizes.methods_max, "methods");
    }
  }
  return offences;
}

std::vector<std::string> function_offences(const Tree& tree, const Sizes& sizes) {
  std::vector<std::string> offences;
  for (const auto& [path, text] : tree) {
    if (!is_source(path)) continue;
    Walk walk(path);
    walk.run(text);
    for (const auto& [what, lines] : walk.functions) {
      if (lines <= sizes.function_lines_max) continue;
      offences.push_back(what + " has " + std::to_string(lines) + " lines, more than " +
                         std::to_string(sizes.function_lines_max));
    }
  }
  return offences;
}

}  // namespace holdfast::house
