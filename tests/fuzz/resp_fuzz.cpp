#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "redis/resp.h"
#include "sessions/redis_text.h"
#include "tests/fuzz/must.h"

using namespace holdfast;
using namespace holdfast::fuzz;
using redis::RedisReply;
using Kind = RedisReply::Kind;

namespace {

struct Outcome {
  std::vector<RedisReply> replies;
  bool is_broken = false;
  bool operator==(const Outcome&) const = default;
};

void take(redis::RespReader& reader, Outcome& out) {
  while (!out.is_broken) {
    auto got = reader.next();
    if (!got) {
      out.is_broken = true;
      must(!reader.next().has_value(), "what is broken stays broken");
    } else if (*got) {
      out.replies.push_back(**std::move(got));
    } else {
      return;
    }
  }
}

/// Fed in pieces of random sizes up to `most`.
Outcome read(std::string_view bytes, std::size_t most, base::Random& random) {
  redis::RespReader reader;
  Outcome out;
  while (!bytes.empty() && !out.is_broken) {
    const std::size_t size = std::min<std::size_t>(bytes.size(), 1 + random.below(most));
    reader.feed(bytes.substr(0, size));
    bytes.remove_prefix(size);
    take(reader, out);
  }
  return out;
}

/// As a server writes it. Texts are written as strings: a status is one, too, for whoever reads it.
void append(std::string& out, const RedisReply& reply) {
  const auto line = [&](char mark, const std::string& text) { out.append(1, mark).append(text).append("\r\n"); };
  switch (reply.kind) {
    case Kind::Nil:
      return line('$', "-1");
    case Kind::Integer:
      return line(':', std::to_string(reply.integer));
    case Kind::Error:
      return line('-', reply.text);
    case Kind::Text:
      line('$', std::to_string(reply.text.size()));
      out.append(reply.text).append("\r\n");
      return;
    case Kind::Array:
      line('*', std::to_string(reply.items.size()));
      for (const RedisReply& item : reply.items) append(out, item);
  }
}

/// What the session map makes of whatever a server may say.
void look_at(const RedisReply& reply) {
  if (const auto held = sessions::parse_bind_result(reply)) {
    must(held->generation != sessions::Generation::None, "a binding has a generation");
    must(held->backend != sessions::BackendTag::None, "and a backend");
  }
  if (const auto news = sessions::parse_news(reply.text)) {
    must(sessions::parse_id(sessions::id_text(news->key)) == news->key, "an id is read as it is written");
    must(sessions::parse_tag(sessions::tag_text(news->binding.backend)) == news->binding.backend, "so is a tag");
  }
  if (const auto to = sessions::parse_ack_request(reply.text)) {
    must(!to->process.empty() && !to->handler_and_number.empty(), "a receipt has an address");
  }
  if (const auto ack = sessions::parse_ack(reply.text)) must(!ack->subscriber.empty(), "and a sender");
  for (const RedisReply& item : reply.items) look_at(item);
}

}  // namespace

// The first byte is the seed of the cuts, the rest is what the server sends.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data + 1), size - 1);
  base::Random random(data[0]);
  redis::RespReader reader;
  reader.feed(input);
  Outcome whole;
  take(reader, whole);
  must(read(input, 16, random) == whole, "cuts change nothing");
  must(read(input, 1, random) == whole, "nor do single bytes");

  std::string again;
  for (const RedisReply& reply : whole.replies) {
    look_at(reply);
    append(again, reply);
  }
  const Outcome second = read(again, again.size() + 1, random);
  must(!second.is_broken && second.replies == whole.replies, "written again, it is the same");
  return 0;
}
