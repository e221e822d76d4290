#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "conf/settings.h"
#include "health/probe_outcome.h"

namespace holdfast::health {

/// Of a response's content, what a probe reads and judges; the rest is left unread.
inline constexpr std::size_t kProbeBodyBytesMax = 64u << 10;

/// The probe's request, ready to send: request line, Host, User-Agent, the configured fields (which replace ours where
/// the name is the same), Content-Length where there is a body or the method implies one (RFC 9110 section 8.6).
std::string probe_request(const conf::Probe& probe, std::string_view host);

/// Is the status one of those expected, or of those that mean sick? Sets status, reason and detail.
ProbeOutcome judge_status(const conf::Probe& probe, std::uint16_t status);

/// Whether the body is worth reading to its end.
bool expects_body(const conf::Probe& probe);

/// The expectations on the body, for a response whose status is fine. `body` is its first kProbeBodyBytesMax at most.
ProbeOutcome judge_body(const conf::Probe& probe, std::uint16_t status, std::string_view body);

}  // namespace holdfast::health
