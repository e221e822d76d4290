#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "conf/settings.h"
#include "redis/redis.h"

namespace holdfast::redis {

/// What is said first on each new connection, and whether the responses make this a server to work with: our name and
/// password are taken, the database is there, it is a master, it has our scripts.
///
/// Pure. All is sent at once; responses are judged in order.
class RedisHandshake {
 public:
  using Command = std::vector<std::string>;

  RedisHandshake(const conf::Redis& redis, const std::vector<RedisScript>& scripts);

  /// To be sent in this order.
  std::vector<Command> commands() const;
  /// The next response. A state: this server will not do, and why.
  std::optional<RedisState> judge(const RedisReply& reply);
  bool is_done() const { return answered_ == steps_.size(); }

 private:
  enum class Step : std::uint8_t { Auth, Select, Role, Script };
  struct Item {
    Step step;
    Command command;
    std::string wanted;  // Script: the hash that must come back
  };
  std::optional<RedisState> judge_error(const Item& item, std::string_view text) const;

  std::vector<Item> steps_;
  std::size_t answered_ = 0;
};

/// Why a server with this reply cannot serve us, as a reason word; empty for an unrelated error.
std::string_view reason_of_error(std::string_view text);
/// Of an error of the connection itself.
RedisState degraded_by(const base::Error& error);
/// Nothing but patience or an operator helps: no use in trying again soon.
bool is_stubborn(const RedisState& state);

inline constexpr std::string_view kReasonAuth = "auth";
inline constexpr std::string_view kReasonReadOnly = "read_only_replica";

}  // namespace holdfast::redis
