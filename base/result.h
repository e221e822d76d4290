#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/check.h"

namespace holdfast::base {

/// What kind of thing went wrong; the words of logs and metrics (`name_of`).
enum class ErrorCode : std::uint8_t {
  Refused,      ///< The peer's host said no to a connection.
  Reset,        ///< The connection was reset.
  Closed,       ///< The peer closed where more was due.
  Timeout,      ///< A deadline passed.
  Unreachable,  ///< No route, no such host, no address.
  Malformed,    ///< Bytes that break the protocol or the format.
  TooLarge,     ///< A limit was exceeded.
  Overload,     ///< A queue, pool or budget of ours is used up, or this process's descriptors, ports or memory.
  Unavailable,  ///< Nobody is there to serve it.
  Io,           ///< File or descriptor trouble.
  Invalid,      ///< What an operator or a file asked for makes no sense.
};

constexpr std::string_view name_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::Refused:
      return "refused";
    case ErrorCode::Reset:
      return "reset";
    case ErrorCode::Closed:
      return "closed";
    case ErrorCode::Timeout:
      return "timeout";
    case ErrorCode::Unreachable:
      return "unreachable";
    case ErrorCode::Malformed:
      return "malformed";
    case ErrorCode::TooLarge:
      return "too_large";
    case ErrorCode::Overload:
      return "overload";
    case ErrorCode::Unavailable:
      return "unavailable";
    case ErrorCode::Io:
      return "io";
    case ErrorCode::Invalid:
      return "invalid";
  }
  return "unknown";
}

struct Error {
  ErrorCode code = ErrorCode::Io;
  std::string text;  ///< For people: what was found, and where. May be empty where the code says it all.
};

/// A value or an Error, with the method names of C++23's std::expected (gcc 12 has none).
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & { return check(has_value(), "Result has a value"), *std::get_if<0>(&state_); }
  const T& value() const& { return check(has_value(), "Result has a value"), *std::get_if<0>(&state_); }
  T&& value() && { return check(has_value(), "Result has a value"), std::move(*std::get_if<0>(&state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T value_or(T other) && { return has_value() ? std::move(*this).value() : std::move(other); }

  const Error& error() const { return check(!has_value(), "Result has an error"), *std::get_if<1>(&state_); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), failed_(true) {}  // NOLINT(google-explicit-constructor)

  bool has_value() const { return !failed_; }
  explicit operator bool() const { return has_value(); }
  const Error& error() const { return check(failed_, "Result has an error"), error_; }

 private:
  Error error_;
  bool failed_ = false;
};

}  // namespace holdfast::base
