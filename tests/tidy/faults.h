#pragma once
// Faults on purpose, see faults.cc. A line that ends in "finds:" names the check that must find it.

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::faults {

struct Shape {
  virtual ~Shape() = default;
  virtual double area() const { return 0; }
  int id = 0;
};

struct Circle : Shape {
  virtual double area() const { return radius_; }  // finds: modernize-use-override
  double radius_ = 1;
};

struct Exposed {  // finds: cppcoreguidelines-virtual-class-destructor
  virtual void draw() {}
};

struct Stubborn {
  Stubborn(Stubborn&& other) : name(std::move(other.name)) {}  // finds: performance-noexcept-move-constructor
  std::string name;
};

typedef std::vector<std::string> Names;  // finds: modernize-use-using

inline const int forty_two() { return 42; }  // finds: readability-const-return-type

inline std::size_t length(std::string text) { return text.size(); }  // finds: performance-unnecessary-value-param

inline bool is_blank(const std::string& text) { return text.size() == 0; }  // finds: readability-container-size-empty

inline int* nothing() { return 0; }  // finds: modernize-use-nullptr

inline Shape sliced(const Circle& circle) { return circle; }  // finds: cppcoreguidelines-slicing

inline double half(int whole) { return whole / 2; }  // finds: bugprone-integer-division

template <class T>
bool same(const T& one) {
  return one == one;  // finds: misc-redundant-expression
}

}  // namespace holdfast::faults
