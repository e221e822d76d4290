#include "sessions/lua_scripts.h"

namespace holdfast::sessions::lua {

namespace {

// Said once, before each script. KNOWN, later(), next_of() and next_known() are sessions/order.h in Lua. Generations
// come and go as text: a Lua number would be rounded by nobody below 2^53, but "1e+15" is no generation. Redis 6.2 is
// enough for all of it: there PEXPIRE has no option GT yet.
constexpr std::string_view kCommon = R"(
local function read(key)
  local held = redis.call('GET', key)
  if not held then return nil end
  local generation, tag, created = string.match(held, '^(%d+) (%x+) (%d+)$')
  if not generation then return nil end
  return tonumber(generation), tag, created
end
local ENDED = 'ffffffffffffffff'
local KNOWN = 1073741824
local function next_of(generation)
  if generation == KNOWN - 1 then return generation end
  return math.min(generation + 1, 4294967295)
end
local function next_known(generation)
  if generation < KNOWN then return KNOWN end
  return next_of(generation)
end
local function weight(words)
  local hash = 7
  for i = 1, #words do hash = (hash * 31 + string.byte(words, i)) % 16777213 end
  return hash * hash % 16777213
end
local function later(id, generation, tag, other, held)
  if generation ~= other then return generation > other end
  if tag == held then return false end
  if tag == ENDED or held == ENDED then return tag == ENDED end
  local a, b = weight(id .. tag), weight(id .. held)
  if a ~= b then return a > b end
  return tag > held
end
local time
local function now()
  time = time or redis.call('TIME')[1]
  return time
end
local function text(generation) return string.format('%d', generation) end
local function write(key, base, id, generation, tag, created, idle, ago)
  if tag == ENDED then idle, ago = math.floor(idle * 3 / 2), 0 end
  redis.call('SET', key, text(generation) .. ' ' .. tag .. ' ' .. created, 'PX', idle - ago * 1000)
  if tag ~= ENDED then redis.call('ZADD', base .. 'b:' .. tag, now() - ago, id) end
end
local function use(key, base, id, tag, idle, ago)
  if tag == ENDED then return end
  local left, lasts = redis.call('PTTL', key), idle - ago * 1000
  if left >= 0 and left < lasts then redis.call('PEXPIRE', key, lasts) end
  redis.call('ZADD', base .. 'b:' .. tag, 'GT', now() - ago, id)
end
local function leave(base, id, tag)
  if tag ~= ENDED then redis.call('ZREM', base .. 'b:' .. tag, id) end
end
local function say(channel, id, generation, tag)
  redis.call('PUBLISH', channel, id .. ' ' .. text(generation) .. ' ' .. tag)
end
local function ask_receipts(channel, hearers, address)
  if address == '' then return {} end
  redis.call('PUBLISH', channel, '? ' .. address)
  local time = redis.call('TIME')
  return redis.call('ZRANGEBYSCORE', hearers, time[1] * 1000 + math.floor(time[2] / 1000), '+inf')
end
)";

redis::RedisScript with_common(std::string_view name, std::string_view body) {
  return {name, std::string(kCommon).append(body)};
}

}  // namespace

const redis::RedisScript& bind() {
  static const redis::RedisScript script = with_common("bind", R"(
local base, id, wanted, tag, idle, channel = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6]
local ago = math.min(tonumber(ARGV[7]), math.floor(idle / 1000) - 1)
local generation, held, created = read(KEYS[1])
local is_offer = wanted > 0
if not is_offer then wanted = 1 end
if generation and not (is_offer and later(id, wanted, tag, generation, held)) then
  use(KEYS[1], base, id, held, idle, ago)
  return {text(generation), held, 0}
end
if generation then leave(base, id, held) end
write(KEYS[1], base, id, wanted, tag, created or now(), idle, math.max(ago, 0))
if generation then say(channel, id, wanted, tag) end
return {text(wanted), tag, 1}
)");
  return script;
}

const redis::RedisScript& learn() {
  static const redis::RedisScript script = with_common("learn", R"(
local base, id, tag, idle, channel = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local generation, held, created = read(KEYS[1])
local learned = KNOWN
if held == ENDED then
  learned, created = next_known(generation), nil
elseif generation and generation >= KNOWN then
  use(KEYS[1], base, id, held, idle, 0)
  return {text(generation), held, 0, {}}
end
if generation then leave(base, id, held) end
write(KEYS[1], base, id, learned, tag, created or now(), idle, 0)
if not generation then return {text(learned), tag, 1, {}} end
say(channel, id, learned, tag)
return {text(learned), tag, 1, ask_receipts(channel, KEYS[2], ARGV[6])}
)");
  return script;
}

const redis::RedisScript& reserve_slot() {
  static const redis::RedisScript script = with_common("take_place", R"(
local base, name, lasts, session, most, wanted = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
if session ~= '' then
  local generation, held = read(session)
  if generation and held ~= ENDED then return {'is_in'} end
end
local time = redis.call('TIME')
local ms = time[1] * 1000 + math.floor(time[2] / 1000)
local in_pool, is_full, full = 0, false, {'backend_full'}
for i = 7, #ARGV, 2 do
  local tag, here_most = ARGV[i], tonumber(ARGV[i + 1])
  local places = base .. 'p:' .. tag
  redis.call('ZREMRANGEBYSCORE', places, '-inf', ms)
  local here = redis.call('ZCARD', base .. 'b:' .. tag) + redis.call('ZCARD', places)
  in_pool = in_pool + here
  if here_most > 0 and here >= here_most then
    full[#full + 1] = tag
    is_full = is_full or tag == wanted
  end
end
if most > 0 and in_pool >= most then return {'pool_full'} end
if is_full then return full end
local places = base .. 'p:' .. wanted
redis.call('ZADD', places, ms + lasts, name)
redis.call('PEXPIRE', places, lasts)
return {'admitted'}
)");
  return script;
}

const redis::RedisScript& give_back() {
  static const redis::RedisScript script("give_back", R"(
return redis.call('ZREM', ARGV[1] .. 'p:' .. ARGV[3], ARGV[2])
)");
  return script;
}

const redis::RedisScript& move() {
  static const redis::RedisScript script = with_common("move", R"(
local base, id, seen, from, to, idle, channel = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local generation, held, created = read(KEYS[1])
if generation and (generation > seen or (generation == seen and held ~= from)) then
  use(KEYS[1], base, id, held, idle, 0)
  return {text(generation), held, 0}
end
if generation then leave(base, id, held) end
local moved = next_of(seen)
write(KEYS[1], base, id, moved, to, created or now(), idle, 0)
say(channel, id, moved, to)
return {text(moved), to, 1}
)");
  return script;
}

const redis::RedisScript& end() {
  static const redis::RedisScript script = with_common("end", R"(
local base, id, idle, channel, how, known = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
local generation, held, created = read(KEYS[1])
local ended = generation
if held ~= ENDED then
  if generation then leave(base, id, held) end
  ended = next_known(math.max(generation or 0, known))
  if how == 'mark' then
    write(KEYS[1], base, id, ended, ENDED, created or now(), idle, 0)
  else
    redis.call('DEL', KEYS[1])
  end
  say(channel, id, ended, ENDED)
end
return {text(ended), ask_receipts(channel, KEYS[2], ARGV[7])}
)");
  return script;
}

const redis::RedisScript& touch() {
  static const redis::RedisScript script = with_common("touch", R"(
local base, idle = ARGV[1], ARGV[2]
local found = 0
for i = 3, #ARGV do
  local key = base .. 's:' .. ARGV[i]
  local generation, tag = read(key)
  if generation then
    use(key, base, ARGV[i], tag, idle, 0)
    found = found + 1
  end
end
return found
)");
  return script;
}

const redis::RedisScript& count() {
  static const redis::RedisScript script = with_common("count", R"(
local base, idle, time = ARGV[1], ARGV[2], now()
local before, active = time - math.ceil(idle / 1000) - 1, time - ARGV[3]
local counts = {}
for i = 4, #ARGV do
  local index = base .. 'b:' .. ARGV[i]
  redis.call('ZREMRANGEBYSCORE', index, '-inf', before)
  counts[#counts + 1] = redis.call('ZCARD', index)
  counts[#counts + 1] = redis.call('ZCOUNT', index, active + 1, '+inf')
  local latest = redis.call('ZREVRANGEBYSCORE', index, active, '-inf', 'WITHSCORES', 'LIMIT', 0, 1)
  counts[#counts + 1] = latest[2] and time - latest[2] or -1
end
return counts
)");
  return script;
}

const redis::RedisScript& find() {
  static const redis::RedisScript script = with_common("find", R"(
local base, id = ARGV[1], ARGV[2]
local generation, tag, created = read(KEYS[1])
if not generation or tag == ENDED then return {} end
local used = redis.call('ZSCORE', base .. 'b:' .. tag, id) or created
return {id, text(generation), tag, created, used}
)");
  return script;
}

const redis::RedisScript& list() {
  static const redis::RedisScript script = with_common("list", R"(
local base, limit = ARGV[1], tonumber(ARGV[2])
local found = {}
for i = 3, #ARGV do
  if #found >= limit then break end
  local ids = redis.call('ZREVRANGE', base .. 'b:' .. ARGV[i], 0, limit - #found - 1, 'WITHSCORES')
  for j = 1, #ids, 2 do
    local generation, tag, created = read(base .. 's:' .. ids[j])
    if generation and tag == ARGV[i] then found[#found + 1] = {ids[j], text(generation), tag, created, ids[j + 1]} end
  end
end
return found
)");
  return script;
}

const redis::RedisScript& put() {
  static const redis::RedisScript script = with_common("put", R"(
local base, id, to, idle, channel = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local generation, held, created = read(KEYS[1])
if not generation or held == ENDED then return {0, {}} end
leave(base, id, held)
local moved = next_known(generation)
write(KEYS[1], base, id, moved, to, created, idle, 0)
say(channel, id, moved, to)
return {1, ask_receipts(channel, KEYS[2], ARGV[6])}
)");
  return script;
}

const redis::RedisScript& clear() {
  static const redis::RedisScript script = with_common("clear", R"(
local base, from, idle, channel, most = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local index = base .. 'b:' .. from
local time = now()
local ids = redis.call('ZRANGE', index, 0, most - 1, 'WITHSCORES')
local cleared = 0
for i = 1, #ids, 2 do
  local id, used = ids[i], ids[i + 1]
  local key = base .. 's:' .. id
  local generation, held, created = read(key)
  redis.call('ZREM', index, id)
  if generation and held == from then
    local after = next_known(generation)
    if #ARGV > 6 then
      local to = ARGV[7 + cleared % (#ARGV - 6)]
      write(key, base, id, after, to, created, idle, math.max(0, math.min(time - used, math.floor(idle / 1000) - 1)))
      say(channel, id, after, to)
    else
      write(key, base, id, after, ENDED, created, idle, 0)
      say(channel, id, after, ENDED)
    end
    cleared = cleared + 1
  end
end
return {cleared, redis.call('ZCARD', index), ask_receipts(channel, KEYS[1], ARGV[6])}
)");
  return script;
}

const redis::RedisScript& renew_copy_lease() {
  static const redis::RedisScript script("hear", R"(
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 60000)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], 600000)
redis.call('PUBLISH', ARGV[3], ARGV[4])
return 1
)");
  return script;
}

}  // namespace holdfast::sessions::lua
