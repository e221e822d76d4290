#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "health/report.h"
#include "health/rise_fall.h"

namespace holdfast::cluster {

/// What one proxy sees of one backend, by its own probes and its own clients' requests: never what it was told by
/// others, or an error would confirm itself. A value. Instants are of whoever holds it: between proxies travel ages.
struct Observation {
  health::ProbeState probe = health::ProbeState::Starting;
  bool is_suspect = false;  ///< A real request failed there just now.
  std::uint32_t passed_in_a_row = 0;
  std::uint32_t failed_in_a_row = 0;
  std::optional<base::Instant> probed = {};         ///< Start of the last probe that counted.
  std::optional<base::Instant> failing_since = {};  ///< Start of the first probe that failed in a row.
  std::string reason = {};                          ///< One word, while it is not well.
  std::uint64_t number = 0;                         ///< Rises with each thing the proxy says.
  std::uint32_t sick_in_a_row = 0;
  std::uint32_t requests = 0;  ///< Of its clients, under way there.

  /// It may be us who are away.
  bool is_out_of_reach() const { return is_suspect || failed_in_a_row > 0 || probe == health::ProbeState::Failing; }
  bool is_trouble() const { return is_out_of_reach() || sick_in_a_row > 0 || probe == health::ProbeState::Sick; }
  bool operator==(const Observation&) const = default;
};

/// By "pool/backend": the proxies need not have the same configuration.
using Observations = std::map<std::string, Observation, std::less<>>;

Observation observe(const health::OwnObservation& own);

enum class Standing : std::uint8_t { InTouch, CutOff };

/// All that a proxy says of itself with each heartbeat.
struct ProxyReport {
  std::string name;      ///< Of the configuration or the host.
  std::string instance;  ///< Another one with each start: tells two proxies of the same name apart.
  Standing standing = Standing::InTouch;
  std::uint64_t number = 0;  ///< As in Observation.
  Observations sees;
  std::uint64_t orders = 0;  ///< Up to which operators' orders it obeys: its clients, too, when it says so.

  std::string id() const { return name + "#" + instance; }
  bool operator==(const ProxyReport&) const = default;
};

/// What is published at once, between heartbeats: one change of what a proxy sees.
struct Broadcast {
  std::string proxy;  ///< Its id.
  std::string backend;
  Observation seen;
};

/// As JSON, ages counted back from `now`. The other way round: nullopt for whatever is no such text.
std::string text_of(const ProxyReport& word, base::Instant now);
std::optional<ProxyReport> parse_proxy_report(std::string_view text, base::Instant now);
std::string text_of(const Broadcast& broadcast, base::Instant now);
std::optional<Broadcast> parse_broadcast(std::string_view text, base::Instant now);

inline constexpr std::size_t kBackendsSeenMax = 20'000;

}  // namespace holdfast::cluster
