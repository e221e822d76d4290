#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "cluster/observation.h"
#include "redis/redis.h"

namespace holdfast::cluster {

/// What one heartbeat brings back.
struct HeartbeatReply {
  base::WallTime redis_now{};  ///< Redis' clock, the only one all proxies share.
  std::uint64_t fence = 0;     ///< Of the leader.
  std::string leader;          ///< Its id; empty: none.
  std::uint64_t orders_version = 0;
  std::vector<ProxyReport> live;  ///< Ourselves included.
};

/// Keys: proxies, leader, orders_version. Arguments: our id, lease in ms, our word, the highest fence we know, "lead"
/// or "follow".
///
/// Renews our lease and our word, takes or renews the leader's lease, returns all that live. The leader also takes away
/// what is left of proxies that are dead for kForgetAfter. Time is Redis' own. A new leader's number is above the last
/// one, above what the asking proxy knows, and above Redis' time in milliseconds: it rises even when Redis has lost its
/// data.
const redis::RedisScript& heartbeat_script();
/// `answered` is now; nullopt when it is no such reply. Proxies with a word that is not understood are left out.
std::optional<HeartbeatReply> parse_heartbeat(const redis::RedisReply& reply, base::Instant answered);

/// Keys: proxies, leader. Arguments: our id, channel, message.
const redis::RedisScript& goodbye_script();

inline constexpr base::Duration kForgetAfter = std::chrono::minutes{10};

}  // namespace holdfast::cluster
