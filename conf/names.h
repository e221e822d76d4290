#pragma once

#include <string_view>

#include "conf/settings.h"

/// The words of the configuration's enums, in the order of their values.
namespace holdfast::conf {

inline constexpr std::string_view kLogLevelNames[] = {"debug", "info", "warn", "error"};
inline constexpr std::string_view kLogFormatNames[] = {"text", "json"};
inline constexpr std::string_view kAdminRoleNames[] = {"viewer", "operator"};
inline constexpr std::string_view kSessionStoreNames[] = {"memory", "redis"};
inline constexpr std::string_view kBalanceNames[] = {"round_robin", "least_requests", "random_two", "hash", "failover"};
inline constexpr std::string_view kStickyModeNames[] = {"none", "cookie", "app_cookie", "header", "source_ip"};
inline constexpr std::string_view kFailoverNames[] = {"move", "temporary", "refuse"};
inline constexpr std::string_view kSameSiteNames[] = {"lax", "strict", "none"};
inline constexpr std::string_view kProbeTypeNames[] = {"none", "http", "tcp", "m2ee"};

inline constexpr std::string_view kPresetNames[] = {"mendix", "mfiles", "java", "php", "express", "aspnet"};
inline constexpr std::string_view kTraceparentNames[] = {"pass", "start"};

/// Not of Preset::None, which has no name.
constexpr std::string_view name_of(Preset preset) { return kPresetNames[static_cast<unsigned>(preset) - 1]; }
constexpr std::string_view name_of(AdminRole role) { return kAdminRoleNames[static_cast<unsigned>(role)]; }
constexpr std::string_view name_of(SessionStore store) { return kSessionStoreNames[static_cast<unsigned>(store)]; }
constexpr std::string_view name_of(BalanceMethod method) { return kBalanceNames[static_cast<unsigned>(method)]; }
constexpr std::string_view name_of(StickyMode mode) { return kStickyModeNames[static_cast<unsigned>(mode)]; }
constexpr std::string_view name_of(FailoverMode mode) { return kFailoverNames[static_cast<unsigned>(mode)]; }
constexpr std::string_view name_of(SameSite value) { return kSameSiteNames[static_cast<unsigned>(value)]; }
constexpr std::string_view name_of(ProbeType type) { return kProbeTypeNames[static_cast<unsigned>(type)]; }

static_assert(name_of(Preset::Aspnet) == "aspnet");
static_assert(name_of(AdminRole::Operator) == "operator");
static_assert(name_of(SessionStore::Redis) == "redis");
static_assert(name_of(BalanceMethod::Failover) == "failover");
static_assert(name_of(StickyMode::SourceIp) == "source_ip");
static_assert(name_of(FailoverMode::Refuse) == "refuse");
static_assert(name_of(SameSite::None) == "none");
static_assert(name_of(ProbeType::M2ee) == "m2ee");

}  // namespace holdfast::conf
