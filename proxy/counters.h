#pragma once

#include <array>
#include <cstddef>

#include "base/counter.h"
#include "base/histogram.h"
#include "base/result.h"
#include "base/steady_array.h"
#include "health/view.h"
#include "proxy/identity.h"

namespace holdfast::proxy {

inline constexpr std::size_t kErrorCodes = static_cast<std::size_t>(base::ErrorCode::Invalid) + 1;
inline constexpr std::size_t kStickinessWords = static_cast<std::size_t>(Stickiness::Expired) + 1;
inline constexpr std::size_t kStates = static_cast<std::size_t>(health::State::Down) + 1;
inline constexpr std::size_t kCodeClasses = 6;  ///< 1xx..5xx by index 1..5; 0: others (a real app's 6xx..9xx).

constexpr std::size_t code_class(unsigned status) { return status >= 100 && status < 600 ? status / 100 : 0; }

struct BackendCounters {
  base::Counter requests;                                   ///< Attempts sent there.
  std::array<base::Counter, kCodeClasses> responses;        ///< By class of the status.
  std::array<base::Counter, kErrorCodes> failures;          ///< Attempts that failed, by kind.
  base::Counter connects;                                   ///< Connections made.
  base::Counter retried_away;                               ///< Attempts that went on elsewhere.
  base::Counter released;                                   ///< Requests it was judged hung with: ended, or moved on.
  base::Counter moved_away;                                 ///< Sessions this worker moved off it.
  std::array<base::Counter, kErrorCodes> moved_by_failure;  ///< Of those: a request of theirs had just met this.
  std::array<base::Counter, kStates> moved_by_state;        ///< The others: by the state it was in.
  base::Histogram first_byte;  ///< Given to the backend (connecting included) until the first byte of its response.
};

struct PoolCounters {
  base::Counter requests;
  std::array<base::Counter, kCodeClasses> responses;  ///< To clients, our own error responses included.
  std::array<base::Counter, kStickinessWords> stickiness;
  base::Counter retries_refused;   ///< The budget had none left.
  base::Counter quarantined;       ///< Requests refused because their like has killed a backend.
  base::Counter sessions_refused;  ///< New ones, because max_sessions were there.
  base::Counter failed;            ///< No backend could serve them; and the two kinds above: an error page of ours.
  base::Histogram total;           ///< From the request's head to the end of its response; not of tunnels.
};

/// One worker's counts: written by it alone, read by anybody.
struct Counters {
  base::Counter connections_accepted;
  base::Counter connections_open;
  base::Counter connections_refused;    ///< At limits.connections with nobody idle.
  base::Counter connections_displaced;  ///< Idle ones closed to make room.
  base::Counter requests;
  base::Counter requests_refused;  ///< Malformed, too long, unknown host: answered without a backend.
  base::Counter client_bytes_in;
  base::Counter client_bytes_out;
  base::Counter requests_aborted;  ///< The client left before its response was whole.
  base::Counter responses_cut;     ///< A backend's response ended short.
  // Grown by the worker: who reads along uses find().
  base::SteadyArray<PoolCounters> pool;        ///< By PoolId.
  base::SteadyArray<BackendCounters> backend;  ///< By BackendId.
};

}  // namespace holdfast::proxy
