#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "ctl/client.h"
#include "ctl/drain.h"

namespace holdfast::ctl {

/// holdfastctl roll: what was typed.
struct CtlRoll {
  std::string pool;
  std::string command;            ///< For /bin/sh; empty: no roll was asked for.
  std::string from;               ///< The backend to begin with; empty: the first.
  std::string deadline = "10m";   ///< Of each drain.
  std::string up_timeout = "5m";  ///< How long a backend may take to be UP again.
};

/// A backend as the roll sees it.
struct RollBackend {
  std::string name;
  std::string address;
  std::string state;        ///< UP, DOWN, ...
  std::string order;        ///< ready, drain, maint
  std::string probe;        ///< passing, ...
  std::string probed;       ///< When the last probe ended; empty: none has.
  bool passed = true;       ///< It.
  bool is_growing = false;  ///< In its slow start.
};
struct RollView {
  std::string now;                    ///< The proxy's time.
  std::vector<RollBackend> backends;  ///< In the order of the configuration.
};
/// From a response to /api/v1/status. Errors: Malformed, when that does not know the pool.
base::Result<RollView> roll_view(std::string_view status, std::string_view pool);

/// May `backend` be taken out: are all others of its pool UP? Errors: Unavailable, with who is not.
base::Result<void> may_take_out(const RollView& view, std::string_view pool, std::string_view backend);

/// Is it well by a probe that ended after `after`? One failed probe leaves a backend "passing" until `fall` of them
/// did.
bool is_well_since(const RollBackend& backend, std::string_view after);

/// Errors: Invalid, in words for the user.
base::Result<void> check_roll(const CtlRoll& typed);

/// Takes the pool's backends out one by one: drains, runs the command, waits until it is UP and has its full share
/// again. Errors: the first thing that went wrong, and where; what was left alone.
base::Result<void> roll(const AdminUrl& where, const CtlRoll& typed, base::Duration patience,
                        const PrintLine& print_line);

}  // namespace holdfast::ctl
