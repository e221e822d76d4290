#include "sessions/redis_text.h"

#include <limits>

#include "base/text.h"

namespace holdfast::sessions {

namespace {

std::optional<Generation> parse_generation(std::string_view text) {
  const auto number = base::parse_decimal(text);
  if (!number || *number == 0 || *number > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return Generation{static_cast<std::uint32_t>(*number)};
}

}  // namespace

std::optional<BindResult> parse_bind_result(const redis::RedisReply& reply) {
  if (!reply.is_array() || reply.items.size() < 3) return std::nullopt;
  const auto generation = parse_generation(reply.items[0].text);
  const auto tag = parse_tag(reply.items[1].text);
  if (!generation || !tag) return std::nullopt;
  return BindResult{{*tag, *generation}, reply.items[2].integer == 1};
}

std::optional<Admission> parse_admission(const redis::RedisReply& reply) {
  using Outcome = Admission::Outcome;
  if (!reply.is_array() || reply.items.empty()) return std::nullopt;
  const std::string& word = reply.items[0].text;
  if (word == "admitted") return Admission{Outcome::Admitted, nullptr, {}};
  if (word == "is_in") return Admission{Outcome::IsIn, nullptr, {}};
  if (word == "pool_full") return Admission{Outcome::PoolFull, nullptr, {}};
  if (word != "backend_full") return std::nullopt;
  Admission admission{Outcome::BackendFull, nullptr, {}};
  for (std::size_t i = 1; i < reply.items.size(); ++i) {
    const auto tag = parse_tag(reply.items[i].text);
    if (!tag) return std::nullopt;
    admission.full.push_back(*tag);
  }
  return admission;
}

std::optional<News> parse_news(std::string_view payload) {
  const std::size_t first = payload.find(' ');
  const std::size_t second = payload.find(' ', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return std::nullopt;
  const auto key = parse_id(payload.substr(0, first));
  const auto generation = parse_generation(payload.substr(first + 1, second - first - 1));
  const auto tag = parse_tag(payload.substr(second + 1));
  if (!key || !generation || !tag) return std::nullopt;
  return News{*key, {*tag, *generation}};
}

std::optional<AckAddress> parse_ack_request(std::string_view payload) {
  if (!payload.starts_with("? ")) return std::nullopt;
  payload.remove_prefix(2);
  const std::size_t space = payload.find(' ');
  if (space == 0 || space == std::string_view::npos || space + 1 == payload.size()) return std::nullopt;
  return AckAddress{payload.substr(0, space), payload.substr(space + 1)};
}

std::optional<Ack> parse_ack(std::string_view payload) {
  const std::size_t first = payload.find(' ');
  const std::size_t second = first == std::string_view::npos ? first : payload.find(' ', first + 1);
  if (second == std::string_view::npos || second + 1 == payload.size()) return std::nullopt;
  const auto handler = base::parse_decimal(payload.substr(0, first));
  const auto number = base::parse_decimal(payload.substr(first + 1, second - first - 1));
  if (!handler || !number || *handler > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return Ack{static_cast<std::uint32_t>(*handler), *number, payload.substr(second + 1)};
}

}  // namespace holdfast::sessions
