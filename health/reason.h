#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "health/rise_fall.h"

namespace holdfast::health {

/// Why a backend is in the state it is in, or why a probe failed: the words of logs, the API and the page (`name_of`).
enum class Reason : std::uint8_t {
  None,                ///< All well.
  NotProbedYet,        ///< STARTING: no probe has come back.
  ProbeRefused,        ///< Nobody listens there.
  ProbeReset,          ///< The connection was reset.
  ProbeTimeout,        ///< No whole response within the probe's timeout.
  ProbeClosed,         ///< The connection ended before a whole response.
  ProbeUnreachable,    ///< No route, no such host.
  ProbeMalformed,      ///< Not HTTP.
  ProbeBadStatus,      ///< A status outside the expected ranges.
  ProbeBadBody,        ///< The expected text is not in the body.
  ProbeBadJson,        ///< No JSON, or not the expected value.
  ProbeBadResult,      ///< The admin port responded, but reported a problem.
  ProbeMisconfigured,  ///< The probe itself is at fault: a wrong password, say. The app may be well.
  AppSick,             ///< The app's own health check says no.
  AppStarting,         ///< The app says that it is starting.
  AppNotRunning,       ///< The app says that it has stopped, is stopping, or could not start.
  StartTimeout,        ///< It has said so for longer than start_timeout.
  ProbeError,          ///< Trouble of our own (descriptors, memory).
  RequestFailed,       ///< A real request failed: the backend is suspect.
  Ejected,             ///< Real requests failed too often in a row.
  Operator,            ///< An operator said so.
  Cluster,             ///< Most proxies do not reach it.
  Silence,             ///< Requests are in flight, and none gets a response.
};

constexpr std::string_view name_of(Reason reason) {
  switch (reason) {
    case Reason::None:
      return "";
    case Reason::NotProbedYet:
      return "not_probed_yet";
    case Reason::ProbeRefused:
      return "probe_refused";
    case Reason::ProbeReset:
      return "probe_reset";
    case Reason::ProbeTimeout:
      return "probe_timeout";
    case Reason::ProbeClosed:
      return "probe_closed";
    case Reason::ProbeUnreachable:
      return "probe_unreachable";
    case Reason::ProbeMalformed:
      return "probe_malformed";
    case Reason::ProbeBadStatus:
      return "probe_bad_status";
    case Reason::ProbeBadBody:
      return "probe_bad_body";
    case Reason::ProbeBadJson:
      return "probe_bad_json";
    case Reason::ProbeBadResult:
      return "probe_bad_result";
    case Reason::ProbeMisconfigured:
      return "probe_misconfigured";
    case Reason::AppSick:
      return "app_sick";
    case Reason::AppStarting:
      return "app_starting";
    case Reason::AppNotRunning:
      return "app_not_running";
    case Reason::StartTimeout:
      return "start_timeout";
    case Reason::ProbeError:
      return "probe_error";
    case Reason::RequestFailed:
      return "request_failed";
    case Reason::Ejected:
      return "ejected";
    case Reason::Operator:
      return "operator";
    case Reason::Cluster:
      return "cluster";
    case Reason::Silence:
      return "silence";
  }
  return "";
}

/// What a connection's error means for the probe that met it.
constexpr Reason reason_of(base::ErrorCode code) {
  switch (code) {
    case base::ErrorCode::Refused:
      return Reason::ProbeRefused;
    case base::ErrorCode::Reset:
      return Reason::ProbeReset;
    case base::ErrorCode::Closed:
      return Reason::ProbeClosed;
    case base::ErrorCode::Timeout:
      return Reason::ProbeTimeout;
    case base::ErrorCode::Unreachable:
      return Reason::ProbeUnreachable;
    case base::ErrorCode::Malformed:
    case base::ErrorCode::TooLarge:
      return Reason::ProbeMalformed;
    case base::ErrorCode::Overload:
    case base::ErrorCode::Unavailable:
    case base::ErrorCode::Io:
    case base::ErrorCode::Invalid:
      return Reason::ProbeError;
  }
  return Reason::ProbeError;
}

/// The connect itself said that nobody is there: the process is gone, not just unwell.
constexpr bool means_gone(Reason reason) {
  return reason == Reason::ProbeRefused || reason == Reason::ProbeUnreachable;
}

/// Nothing came back, not even a no: the process stands still, or its packets get lost. Whoever refuses, resets or
/// responds badly is alive, and so may be what it is working on.
constexpr bool means_silent(Reason reason) {
  return reason == Reason::ProbeTimeout || reason == Reason::ProbeUnreachable;
}

/// What a probe that ended like this counts as.
constexpr ProbeResult result_of(Reason reason) {
  switch (reason) {
    case Reason::None:
      return ProbeResult::Passed;
    case Reason::AppSick:
    case Reason::ProbeMisconfigured:
      return ProbeResult::Sick;
    case Reason::AppStarting:
      return ProbeResult::Starting;
    default:
      return ProbeResult::Failed;
  }
}

/// The backend has responded, well or not.
constexpr bool means_alive(Reason reason) {
  return result_of(reason) == ProbeResult::Passed || result_of(reason) == ProbeResult::Sick;
}

inline constexpr std::size_t kDetailBytesMax = 160;

/// `text` cut to kDetailBytesMax, at the start of a UTF-8 character, with "..." where something is missing.
std::string bounded_detail(std::string text);

}  // namespace holdfast::health
