#pragma once

#include "redis/redis.h"

/// The text of the scripts by which proxies agree on sessions: each is one atomic step. docs/redis.md describes the
/// keys. They are called by RedisScripts only, which has a function of the same name for each.
///
/// A session is a string "generation tag created", expired by Redis; the sorted set of its backend holds its id with
/// the time of its last use, in seconds by Redis's clock, so that sessions can be counted and listed without a walk.
///
/// An "address" (Acks::Wait) is where every subscriber sends an ack for the change; empty: no acks.
namespace holdfast::sessions::lua {

/// KEYS: session. ARGV: base, id, generation, tag, idle ms, channel, seconds since its last use. With a
/// generation it is an offer: the later binding holds (sessions/order.h), and a change is published to all. With 0 it
/// is a guess, of what is not bound yet. Returns {generation, tag} that hold now, and 1 if this call made it so.
const redis::RedisScript& bind();

/// KEYS: session, subscribers. ARGV: base, id, tag, idle ms, channel, the address for acks. The app has set this id:
/// known from now on, against guesses and after an end. Returns the same as bind, and who is to send an ack.
const redis::RedisScript& learn();

/// ARGV: base, a place's name, how long it lasts in ms, session or "", the pool's limit, tag of the backend wanted,
/// then tag and limit of each backend; 0: no limit. Takes a place where sessions and places together leave one. Returns
/// {"admitted"}, {"is_in"} (the session is there), {"pool_full"}, or {"backend_full", tags without room...}.
const redis::RedisScript& reserve_slot();

/// ARGV: base, a place's name, tag of its backend.
const redis::RedisScript& give_back();

/// KEYS: session. ARGV: base, id, seen generation, seen tag, tag to move to, idle ms, channel. Compare-and-set;
/// returns the same as bind.
const redis::RedisScript& move();

/// KEYS: session, subscribers. ARGV: base, id, idle ms, channel, "mark" or "forget", a generation it has had or 0,
/// address. Returns {the generation of the end, subscribers}.
const redis::RedisScript& end();

/// ARGV: base, idle ms, ids... They were used just now. Returns how many are still there.
const redis::RedisScript& touch();

/// ARGV: base, idle ms, for how many seconds a use makes active, tags... Forgets in the index who has expired; returns
/// of each backend: its sessions, those active, and for how many seconds the latest of the others is unused (-1: there
/// is none).
const redis::RedisScript& count();

// For operators:

/// KEYS: session. ARGV: base, id. Returns {id, generation, tag, created, last used}, or nothing.
const redis::RedisScript& find();

/// ARGV: base, limit, tags... Returns a list of what find() returns, each backend's most recently used first.
const redis::RedisScript& list();

/// KEYS: session, subscribers. ARGV: base, id, tag, idle ms, channel, address. Binds a session that there is to another
/// backend. Returns {1 or 0, subscribers}.
const redis::RedisScript& put();

/// KEYS: subscribers. ARGV: base, tag, idle ms, channel, how many at most, address, tags to move to... Moves sessions
/// of one backend, the longest unused first, or ends them where there are no tags. Returns {how many, how many entries
/// are left, subscribers}.
const redis::RedisScript& clear();

// For the news:

/// KEYS: subscribers. ARGV: who, lease in ms, its own channel, a word. Counts `who` as a subscriber until the
/// lease ends, by Redis's clock, and says the word on its channel: behind all news of before, as one connection brings
/// both.
const redis::RedisScript& renew_copy_lease();

}  // namespace holdfast::sessions::lua
