#pragma once

#include "base/time.h"
#include "sessions/key.h"

namespace holdfast::sessions {

/// Which backend a session belongs to, as of `generation`.
struct Binding {
  BackendTag backend = BackendTag::None;
  Generation generation = Generation::None;
  bool operator==(const Binding&) const = default;
};

/// What a bind or a move came to.
struct BindResult : Binding {
  const Binding& binding() const { return *this; }
  bool is_ours = false;  ///< This very call made it so; else another one did before.
};

/// What the map returns for a hit.
struct LookupResult {
  Binding binding;                ///< BackendTag::Ended: the session was ended, and must not come back by its cookie.
  base::Instant cookie_issued{};  ///< When our cookie was last given out for it (mode cookie only).
  /// false: others may have moved or ended it while this process got no updates: ask before you rely on it.
  bool is_sure = true;
  /// The use is worth telling those who expire the session by their own clock: said about 64 times per idle timeout.
  bool use_is_news = false;
};

}  // namespace holdfast::sessions
