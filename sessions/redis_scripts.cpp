#include "sessions/redis_scripts.h"

namespace holdfast::sessions::scripts {

namespace {

// Said once, before each script. Generations come and go as text: a Lua number would be rounded by nobody below 2^53,
// but "1e+15" is no generation.
constexpr std::string_view kCommon = R"(
local function read(key)
  local held = redis.call('GET', key)
  if not held then return nil end
  local generation, tag, created = string.match(held, '^(%d+) (%x+) (%d+)$')
  if not generation then return nil end
  return tonumber(generation), tag, created
end
local ENDED = 'ffffffffffffffff'
local function now() return redis.call('TIME')[1] end
local function text(generation) return string.format('%d', generation) end
local function write(key, base, id, generation, tag, created, idle, ago)
  redis.call('SET', key, text(generation) .. ' ' .. tag .. ' ' .. created, 'PX', idle - ago * 1000)
  if tag ~= ENDED then redis.call('ZADD', base .. 'b:' .. tag, now() - ago, id) end
end
local function use(key, base, id, tag, idle, ago)
  if tag == ENDED then return end
  redis.call('PEXPIRE', key, idle - ago * 1000, 'GT')
  redis.call('ZADD', base .. 'b:' .. tag, 'GT', now() - ago, id)
end
local function leave(base, id, tag)
  if tag ~= ENDED then redis.call('ZREM', base .. 'b:' .. tag, id) end
end
local function say(channel, id, generation, tag)
  redis.call('PUBLISH', channel, id .. ' ' .. text(generation) .. ' ' .. tag)
end
)";

net::RedisScript with_common(std::string_view name, std::string_view body) {
  return {name, std::string(kCommon).append(body)};
}

}  // namespace

const net::RedisScript& bind() {
  static const net::RedisScript script = with_common("bind", R"(
local base, id, wanted, tag, idle, channel = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6]
local ago = math.min(tonumber(ARGV[7]), math.floor(idle / 1000) - 1)
local generation, held, created = read(KEYS[1])
if generation and generation >= wanted then
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

const net::RedisScript& move() {
  static const net::RedisScript script = with_common("move", R"(
local base, id, seen, from, to, idle, channel = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local generation, held, created = read(KEYS[1])
if generation and (generation > seen or (generation == seen and held ~= from)) then
  use(KEYS[1], base, id, held, idle, 0)
  return {text(generation), held, 0}
end
if generation then leave(base, id, held) end
local moved = math.min(seen + 1, 4294967295)
write(KEYS[1], base, id, moved, to, created or now(), idle, 0)
say(channel, id, moved, to)
return {text(moved), to, 1}
)");
  return script;
}

const net::RedisScript& end() {
  static const net::RedisScript script = with_common("end", R"(
local base, id, idle, channel, how, known = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
local generation, held, created = read(KEYS[1])
if not generation then
  if how == 'forget' then return '0' end
  generation, held, created = known, ENDED, now()
elseif held == ENDED then
  return text(generation)
end
leave(base, id, held)
local ended = math.min(math.max(generation, known) + 1, 4294967295)
if how == 'mark' then
  write(KEYS[1], base, id, ended, ENDED, created, math.floor(idle * 3 / 2), 0)
else
  redis.call('DEL', KEYS[1])
end
say(channel, id, ended, ENDED)
return text(ended)
)");
  return script;
}

const net::RedisScript& touch() {
  static const net::RedisScript script = with_common("touch", R"(
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

const net::RedisScript& count() {
  static const net::RedisScript script = with_common("count", R"(
local base, idle = ARGV[1], ARGV[2]
local before = now() - math.ceil(idle / 1000) - 1
local counts = {}
for i = 3, #ARGV do
  local index = base .. 'b:' .. ARGV[i]
  redis.call('ZREMRANGEBYSCORE', index, '-inf', before)
  counts[#counts + 1] = redis.call('ZCARD', index)
end
return counts
)");
  return script;
}

}  // namespace holdfast::sessions::scripts
