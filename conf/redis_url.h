#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "conf/settings.h"

/// The url of [redis]. Pure.
namespace holdfast::conf {

inline constexpr std::uint16_t kRedisPort = 6379;

/// "redis://USER:PASSWORD@HOST:PORT/DB", "redis+unix://USER:PASSWORD@/PATH?db=DB"; everything but the scheme may be
/// left out (a host is needed in the end, but sentinels may name it). USER, PASSWORD and PATH are percent-decoded
/// (RFC 3986 section 2.1). Sets those members of `into` alone. An Error's text never holds a part of the password.
base::Result<void> parse_redis_url(std::string_view text, Redis& into);

/// The other way, with "[redacted]" for a password; empty when there is nothing to say.
std::string redis_url_text(const Redis& redis);

}  // namespace holdfast::conf
