#pragma once

#include "net/redis.h"

/// The scripts by which proxies agree on sessions: each is one atomic step. docs/redis.md describes the keys.
///
/// A session is a string "generation tag created", expired by Redis; the sorted set of its backend holds its id with
/// the time of its last use, in seconds by Redis's clock, so that sessions can be counted and listed without a walk.
namespace holdfast::sessions::scripts {

/// KEYS: session. ARGV: base, id, generation, tag, idle ms, channel, seconds since its last use. Binds it unless it is
/// bound to the same generation or a later one; of an earlier one all are told. Answers {generation, tag} that hold
/// now, and 1 if this call made it so.
const net::RedisScript& bind();

/// KEYS: session. ARGV: base, id, seen generation, seen tag, tag to move to, idle ms, channel. Compare-and-set;
/// answers like bind.
const net::RedisScript& move();

/// KEYS: session. ARGV: base, id, idle ms, channel, "mark" or "forget", a generation it has had. Answers the generation
/// of the end; 0 when there was nothing to end.
const net::RedisScript& end();

/// ARGV: base, idle ms, ids... They were used just now. Answers how many are still there.
const net::RedisScript& touch();

/// ARGV: base, idle ms, tags... Forgets in the index who has expired; answers the number of sessions of each.
const net::RedisScript& count();

}  // namespace holdfast::sessions::scripts
