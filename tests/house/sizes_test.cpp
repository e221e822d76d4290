#include <doctest/doctest.h>

#include "tests/house/size_rules.h"

using namespace holdfast::house;

namespace {

std::string repeated(std::size_t times, std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("classes and functions of this tree are small") {
  const Tree tree = read_tree(".");
  REQUIRE(tree.count("proxy/exchange.h") == 1);
  for (const auto& offence : class_offences(tree)) FAIL_CHECK(offence);
  for (const auto& offence : function_offences(tree)) FAIL_CHECK(offence);
}

TEST_CASE("what counts in a class") {
  struct Row {
    const char* text;
    std::size_t members, methods;
    bool is_record;
  };
  for (const Row& row : {
           Row{"struct A { int a; std::map<int, int> b = {{1, 2}}; };", 2, 0, true},
           Row{"class A { public: A(); ~A(); A(const A&) = delete; bool operator==(const A&) const; };", 0, 0, false},
           Row{"class A : public B { int f(); int g() const { return 1; } private: int a_{0}; };", 1, 2, false},
           Row{"class A { std::function<void(int)> on_a_; static constexpr int kMax = 3; enum class E { X }; };", 1, 0,
               false},
           Row{"class A { A() : a_(1), b_{2} { f(); } int a_; int b_; };", 2, 0, false},
           Row{"struct A { int f(); private: int a_; };", 1, 1, false},
           Row{"struct A { struct B { int c; int d; }; B b; using C = int; friend class D; };", 1, 0, true},
           Row{"class A { template <class T> void f(T t) { g(); } // int x;\n const char* text = \"{\"; };", 1, 1,
               false},
       }) {
    CAPTURE(row.text);
    const auto classes = classes_of("base/a.h", row.text);
    REQUIRE_FALSE(classes.empty());
    CHECK(classes.back().name == "A");
    CHECK(classes.back().members == row.members);
    CHECK(classes.back().methods == row.methods);
    CHECK(classes.back().is_record == row.is_record);
  }
}

TEST_CASE("too many members, too many methods, too long") {
  const std::string members = repeated(4, "int a;");
  CHECK(class_offences({{"base/a.h", "class A {" + members + "};"}}, {.members_max = 4}).empty());
  CHECK(class_offences({{"base/a.h", "class A {" + members + "};"}}, {.members_max = 3}).size() == 1);
  CHECK(class_offences({{"base/a.h", "struct A {" + members + "};"}}, {.members_max = 3}).empty());
  const std::string methods = repeated(6, "int f();");
  CHECK(class_offences({{"base/a.h", "class A {" + methods + "};"}}, {.methods_max = 6}).empty());
  CHECK(class_offences({{"base/a.h", "struct A {" + methods + "};"}}, {.methods_max = 5}).size() == 1);
  CHECK(class_offences({{"base/a.h", "struct A { int f(); int g(); int h(); int i(); int j();" + members + "};"}},
                       {.members_max = 3})
            .size() == 1);  // it computes too much for a record

  const std::string body = repeated(3, "  f();\n");
  CHECK(function_offences({{"base/a.cpp", "int g(int a) {\n" + body + "}\n"}}, {.function_lines_max = 5}).empty());
  const auto offences =
      function_offences({{"base/a.cpp", "\nint B::g(int a) {\n" + body + "}\n"}}, {.function_lines_max = 4});
  REQUIRE(offences.size() == 1);
  CHECK(offences[0] == "base/a.cpp:2: B::g has 5 lines, more than 4");
  CHECK(function_offences({{"base/a.cpp", "namespace a {\n\n\n\n\n\n}  // namespace a\n"}}, {.function_lines_max = 4})
            .empty());
}
