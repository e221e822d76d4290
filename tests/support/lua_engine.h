#pragma once

#include <functional>
#include <string>
#include <vector>

#include "redis/redis.h"

namespace holdfast::tests {

/// HOLDFAST_TRACE is set: each script and each event is printed.
bool is_traced();

using LuaWords = std::vector<std::string>;
/// What redis.call() of a script does.
using LuaCommand = std::function<redis::RedisReply(const LuaWords&)>;

/// Runs a script in the Lua that Redis has (5.1), and stops the test where it fails. Scripts are compiled once for the
/// whole test.
redis::RedisReply run_lua(const redis::RedisScript& script, const LuaWords& keys, const LuaWords& args,
                          const LuaCommand& command);

}  // namespace holdfast::tests
