#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "admin/json_patch.h"
#include "admin/view.h"
#include "base/time.h"

namespace holdfast::admin {

/// The status as all who listen know it, and what they are to be told next, as JSON merge patches (json_patch.h).
///
/// In small steps, because the workers may have no other CPU than ours. Each looks at the states of all backends, and
/// at the numbers of a few: those go round, as fast as a budget of bytes allows. A document is made only of backends
/// that are told. Owned by Live, on the control loop.
class StatusPatches {
 public:
  struct Limits {
    std::size_t number_bytes_per_second = 8'000;  ///< What numbers may take, over a while.
    std::size_t backends_at_once = 24;            ///< How many backends' numbers a step looks at.
  };

  /// `source` outlives it.
  StatusPatches(const StatusSource& source, Limits limits) : source_(source), limits_(limits) {}

  /// Nobody knows anything any more.
  void forget();
  /// Looks at everything. What those who knew something before are to be told; nullopt: nothing.
  std::optional<std::string> all(base::Instant now);
  /// A step; after a first all(). The same.
  std::optional<std::string> step(base::Instant now);
  /// What is known.
  std::string document() const;

 private:
  using Json = nlohmann::ordered_json;
  struct Position {
    std::size_t pool = 0;
    std::size_t backend = 0;
  };

  bool may_send_numbers(base::Instant now);
  std::string charged(const Json& patch, Priority least);
  void add_backend(Position at, Priority least, Json& patch);

  const StatusSource& source_;
  const Limits limits_;
  Json told_;             // null: nobody knows anything
  StatusView seen_;       // the last one: its states are what is told
  std::size_t next_ = 0;  // the backend, of all, whose numbers are next; 0: those of the pools come with it
  double bytes_left_ = 0;
  base::Instant refilled_{};
};

}  // namespace holdfast::admin
