#include "redis/handshake.h"

#include <utility>

#include "redis/resp.h"

namespace holdfast::redis {

namespace {

struct Reason {
  std::string_view word;  // of the error reply
  std::string_view reason;
};
constexpr Reason kReasons[] = {{"READONLY", kReasonReadOnly},
                               {"LOADING", "loading"},
                               {"MASTERDOWN", "master_down"},
                               {"OOM", "oom"},
                               {"MISCONF", "misconf"},
                               {"NOREPLICAS", "no_replicas"},
                               {"NOAUTH", kReasonAuth},
                               {"WRONGPASS", kReasonAuth},
                               {"NOPERM", "no_permission"},
                               {"DENIED", "denied"},
                               {"BUSY", "busy"},
                               {"CLUSTERDOWN", "cluster_down"}};

RedisState degraded(std::string_view reason, std::string detail) {
  return {RedisState::Word::Degraded, std::string(reason), std::move(detail)};
}

}  // namespace

std::string_view reason_of_error(std::string_view text) {
  const std::string_view word = error_word(text);
  for (const Reason& known : kReasons) {
    if (known.word == word) return known.reason;
  }
  return {};
}

RedisState degraded_by(const base::Error& error) { return degraded(base::name_of(error.code), error.text); }

bool is_stubborn(const RedisState& state) {
  return state.reason == kReasonAuth || state.reason == "no_permission" || state.reason == "denied" ||
         state.reason == "select";
}

RedisHandshake::RedisHandshake(const conf::Redis& redis, const std::vector<RedisScript>& scripts) {
  if (!redis.user.empty()) {
    steps_.push_back({Step::Auth, {"AUTH", redis.user, redis.password}, {}});
  } else if (!redis.password.empty()) {
    steps_.push_back({Step::Auth, {"AUTH", redis.password}, {}});
  }
  if (redis.db != 0) steps_.push_back({Step::Select, {"SELECT", std::to_string(redis.db)}, {}});
  steps_.push_back({Step::Role, {"ROLE"}, {}});
  for (const RedisScript& script : scripts) {
    steps_.push_back({Step::Script, {"SCRIPT", "LOAD", script.source()}, script.sha1()});
  }
}

std::vector<RedisHandshake::Command> RedisHandshake::commands() const {
  std::vector<Command> out;
  for (const Item& item : steps_) out.push_back(item.command);
  return out;
}

std::optional<RedisState> RedisHandshake::judge(const RedisReply& reply) {
  if (is_done()) return degraded("malformed", "a reply to no command");
  const Item& item = steps_[answered_++];
  if (reply.kind == RedisReply::Kind::Error) return judge_error(item, reply.text);
  switch (item.step) {
    case Step::Auth:
    case Step::Select:
      if (reply.is_text() && reply.text == "OK") return std::nullopt;
      break;
    case Step::Role:
      if (!reply.is_array() || reply.items.empty() || !reply.items[0].is_text()) break;
      if (reply.items[0].text == "master") return std::nullopt;
      return degraded(kReasonReadOnly, "the server is not a master, its role is " + reply.items[0].text.substr(0, 20));
    case Step::Script:
      if (reply.is_text() && reply.text == item.wanted) return std::nullopt;
      break;
  }
  return degraded("malformed", "a reply to " + item.command.front() + " that Redis never sends");
}

std::optional<RedisState> RedisHandshake::judge_error(const Item& item, std::string_view text) const {
  if (item.step == Step::Auth) {
    // Only the first word: some errors repeat the arguments, and here that is the password.
    const auto reason = reason_of_error(text);
    return degraded(reason.empty() ? kReasonAuth : reason,
                    "the server refuses our user name or password: " + std::string(error_word(text).substr(0, 20)));
  }
  const auto reason = reason_of_error(text);
  if (!reason.empty()) return degraded(reason, item.command.front() + ": " + std::string(text));
  if (item.step == Step::Select) return degraded("select", std::string(text));
  return degraded("server_error", item.command.front() + ": " + std::string(text));
}

}  // namespace holdfast::redis
