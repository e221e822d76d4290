// Faults on purpose, in this file and in a header of ours: a change of clang-tidy, of its configuration or of the
// plugin that keeps it out of system headers must lose none of them. tools/tidy.py compares, before it trusts the
// plugin. No build compiles this file. A line that ends in "finds:" names the check that must find it.
#include "tests/tidy/faults.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <string>
#include <string>  // finds: readability-duplicate-include

#define TWICE(x) x * 2  // finds: bugprone-macro-parentheses

namespace holdfast::faults {

using std::less;  // finds: misc-unused-using-decls

class Counter {
 public:
  int value() { return value_; }  // finds: readability-make-member-function-const

 private:
  int value_ = 0;
};

int branches(bool is_big) {
  if (is_big) {  // finds: bugprone-branch-clone
    return 1;
  } else {
    return 1;
  }
}

std::size_t use_after_move(std::string text) {
  std::string other = std::move(text);
  return other.size() + text.size();  // finds: bugprone-use-after-move clang-analyzer-cplusplus.Move
}

void copies(const Names& names) {
  for (const std::string name : names) std::puts(name.c_str());     // finds: performance-for-range-copy
  auto owned = std::unique_ptr<std::string>(new std::string("x"));  // finds: modernize-make-unique
  std::remove(owned->begin(), owned->end(), 'x');                   // finds: bugprone-unused-return-value
  std::string_view view = std::string("gone");                      // finds: clang-diagnostic-dangling-gsl
  (void)view;
}

bool contains(const std::string& text) { return text.find("a") != 0; }  // finds: performance-faster-string-find

bool compared(const char* text) {
  if (std::strcmp(text, "a")) return true;  // finds: bugprone-suspicious-string-compare
  return same(std::string(text));
}

std::string joined(const std::string& text) {
  return std::string(text.c_str());  // finds: readability-redundant-string-cstr
}

void caught() {
  try {
    throw std::runtime_error("x");
  } catch (std::runtime_error error) {   // finds: misc-throw-by-value-catch-by-reference
    std::runtime_error("never thrown");  // finds: bugprone-throw-keyword-missing
  }
}

void throws() { throw std::runtime_error("x"); }
void never_throws() noexcept { throws(); }  // finds: bugprone-exception-escape

std::function<int(int)> lambdas(int given) {
  return [given](int taken) {
    int* pointer = nullptr;
    if (taken > given) return *pointer;  // finds: clang-analyzer-core.NullDereference
    return TWICE(taken);
  };
}

std::vector<int> numbers() {
  std::vector<int> all;
  for (int i = 0; i < 10; ++i) all.push_back(i);  // finds: performance-inefficient-vector-operation
  return all;
}

int leaks(int given) {
  int* number = new int(given);  // finds: clang-analyzer-deadcode.DeadStores
  return given + 1;  // finds: clang-analyzer-cplusplus.NewDeleteLeaks
}

}  // namespace holdfast::faults
