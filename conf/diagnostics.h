#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "conf/diagnostic.h"
#include "conf/toml_tree.h"

namespace holdfast::conf {

/// Gathers what is wrong with a file. Lives for one read_settings; knows the table being read, to name keys in full.
class Diagnostics {
 public:
  /// While it lives, messages name keys as `PATH.name.key`.
  class Inside {
   public:
    Inside(Diagnostics& diagnostics, std::string_view name);
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside() { diagnostics_.path_.resize(length_before_); }

   private:
    Diagnostics& diagnostics_;
    std::size_t length_before_;
  };

  void add(Place place, std::string what);
  /// The same at a value, which is_sound() then denies: no second error is made of it.
  void add(const TomlNode& value, std::string what);
  bool is_sound(const TomlNode& value) const { return !unsound_.contains(&value); }

  /// "pools.shop.probe", or empty at the top of the file.
  const std::string& path() const { return path_; }
  /// "pools.shop.probe.interval" for "interval".
  std::string full_name(std::string_view key) const;

  bool none() const { return found_.empty(); }
  /// In the order of the file.
  std::vector<Diagnostic> sorted() const;

 private:
  std::vector<Diagnostic> found_;
  std::set<const TomlNode*> unsound_;
  std::string path_;
};

/// The candidate that `word` was probably meant to be; nullopt where none is near.
std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates);

/// `text` as a TOML basic string, quotes included: safe to print, and to read back.
std::string toml_string(std::string_view text);
/// The same, cut to what fits into a message.
std::string shown(std::string_view text);
/// `a table`, `the integer 5`, `"text"`: what was found.
std::string described(const TomlNode& node);

}  // namespace holdfast::conf
