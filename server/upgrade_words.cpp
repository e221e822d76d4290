#include "server/upgrade_words.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/big_endian.h"

namespace holdfast::server::upgrade {

namespace {

constexpr std::size_t kTextMax = 1000;
constexpr std::uint64_t kUnclaimedMax = 60;  // all in one message

class Writer {
 public:
  void byte(std::uint8_t number) { bytes_.push_back(static_cast<char>(number)); }
  void number(std::uint64_t number) {
    std::uint8_t eight[8];
    base::store_big_endian(eight, number);
    bytes_.append(reinterpret_cast<const char*>(eight), sizeof eight);
  }
  void instant(base::Instant at) { number(static_cast<std::uint64_t>(at.time_since_epoch().count())); }
  void text(std::string_view text) {
    number(std::min(text.size(), kTextMax));
    bytes_.append(text.substr(0, kTextMax));
  }
  void binding(const sessions::Binding& binding) {
    number(static_cast<std::uint64_t>(binding.backend));
    number(static_cast<std::uint64_t>(binding.generation));
  }
  void key(const sessions::Key& key) {
    number(key.high);
    number(key.low);
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

/// Once something was missing or wrong, all else is 0 and is_whole() is false.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  std::uint8_t byte() {
    if (!has(1)) return 0;
    return static_cast<std::uint8_t>(take(1)[0]);
  }
  std::uint64_t number() {
    if (!has(8)) return 0;
    std::uint8_t eight[8];
    std::memcpy(eight, take(8).data(), sizeof eight);
    return base::load_big_endian(eight);
  }
  std::uint32_t small_number() { return static_cast<std::uint32_t>(at_most(0xFFFF'FFFF)); }
  std::uint64_t at_most(std::uint64_t most) {
    const std::uint64_t found = number();
    if (found > most) is_bad_ = true;
    return is_bad_ ? 0 : found;
  }
  bool yes() { return at_most(1) == 1; }
  base::Instant instant() { return base::Instant(base::Duration(static_cast<std::int64_t>(number()))); }
  std::string text() {
    const std::size_t length = at_most(kTextMax);
    return has(length) ? std::string(take(length)) : std::string();
  }
  sessions::Binding binding() {
    const sessions::BackendTag backend{number()};
    return {backend, sessions::Generation{small_number()}};
  }
  sessions::Key key() {
    const std::uint64_t high = number();
    return {high, number()};
  }
  /// All was there, and nothing else.
  bool is_whole() const { return !is_bad_ && bytes_.empty(); }

 private:
  bool has(std::size_t count) {
    if (bytes_.size() < count) is_bad_ = true;
    return !is_bad_;
  }
  std::string_view take(std::size_t count) {
    const std::string_view taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }

  std::string_view bytes_;
  bool is_bad_ = false;
};

void put(Writer& out, const Hello& hello) {
  out.number(hello.version);
  out.instant(hello.store_start);
  out.number(hello.sockets);
}
void put(Writer& out, const PassedSocket& socket) {
  out.number(static_cast<std::uint64_t>(socket.use));
  out.text(socket.address);
}
void put(Writer& out, const SessionBatch& batch) {
  out.number(batch.sessions.size());
  for (const sessions::SessionRecord& session : batch.sessions) {
    out.key(session.key);
    out.binding(session.binding);
    out.instant(session.created);
    out.instant(session.last_used);
    out.instant(session.cookie_issued);
  }
}
void put(Writer& out, const Ask& ask) {
  out.number(ask.number);
  out.number(static_cast<std::uint64_t>(ask.change.kind));
  out.key(ask.change.key);
  out.binding(ask.change.known);
  out.number(static_cast<std::uint64_t>(ask.change.to));
}
void put(Writer& out, const Ready& ready) {
  out.number(std::min<std::uint64_t>(ready.unclaimed.size(), kUnclaimedMax));
  for (std::size_t i = 0; i < std::min<std::size_t>(ready.unclaimed.size(), kUnclaimedMax); ++i) {
    out.text(ready.unclaimed[i]);
  }
}
void put(Writer& out, const Failed& failed) { out.text(failed.reason); }
void put(Writer& out, const Told& told) {
  out.number(told.number);
  out.binding(told.holds);
  out.number(told.holds.is_ours ? 1 : 0);
}
void put(Writer&, const AllSent&) {}
void put(Writer&, const Begin&) {}
void put(Writer&, const Taken&) {}
void put(Writer&, const ReopenLogs&) {}

void get(Reader& in, Hello& hello) {
  hello.version = in.small_number();
  hello.store_start = in.instant();
  hello.sockets = in.small_number();
}
void get(Reader& in, PassedSocket& socket) {
  socket.use = static_cast<PassedSocket::Use>(in.at_most(1));
  socket.address = in.text();
}
void get(Reader& in, SessionBatch& batch) {
  batch.sessions.resize(in.at_most(kSessionsPerMessage));
  for (sessions::SessionRecord& session : batch.sessions) {
    session.key = in.key();
    session.binding = in.binding();
    session.created = in.instant();
    session.last_used = in.instant();
    session.cookie_issued = in.instant();
  }
}
void get(Reader& in, Ask& ask) {
  ask.number = in.number();
  ask.change.kind = static_cast<sessions::SessionChange::Kind>(
      in.at_most(static_cast<std::uint64_t>(sessions::SessionChange::Kind::CookieIssued)));
  ask.change.key = in.key();
  ask.change.known = in.binding();
  ask.change.to = sessions::BackendTag{in.number()};
}
void get(Reader& in, Ready& ready) {
  ready.unclaimed.resize(in.at_most(kUnclaimedMax));
  for (std::string& address : ready.unclaimed) address = in.text();
}
void get(Reader& in, Failed& failed) { failed.reason = in.text(); }
void get(Reader& in, Told& told) {
  told.number = in.number();
  const sessions::Binding binding = in.binding();
  told.holds = {binding, in.yes()};
}
void get(Reader&, AllSent&) {}
void get(Reader&, Begin&) {}
void get(Reader&, Taken&) {}
void get(Reader&, ReopenLogs&) {}

/// A session bound to nobody would stop the process that takes it.
bool makes_sense(const Message& message) {
  using sessions::BackendTag;
  if (const auto* batch = std::get_if<SessionBatch>(&message)) {
    for (const sessions::SessionRecord& session : batch->sessions) {
      if (session.binding.backend == BackendTag::None) return false;
    }
  }
  if (const auto* ask = std::get_if<Ask>(&message)) {
    if (ask->change.kind == sessions::SessionChange::Kind::Bind) return ask->change.known.backend != BackendTag::None;
    if (ask->change.kind == sessions::SessionChange::Kind::Move) return ask->change.to != BackendTag::None;
  }
  return true;
}

template <std::size_t I = 0>
std::optional<Message> message_of_kind(std::size_t kind, Reader& in) {
  if constexpr (I < std::variant_size_v<Message>) {
    if (kind != I) return message_of_kind<I + 1>(kind, in);
    std::variant_alternative_t<I, Message> found;
    get(in, found);
    return Message(std::move(found));
  } else {
    return std::nullopt;
  }
}

}  // namespace

std::string bytes_of(const Message& message) {
  Writer out;
  out.byte(static_cast<std::uint8_t>(message.index()));
  std::visit([&out](const auto& what) { put(out, what); }, message);
  return out.take();
}

std::optional<Message> message_of(std::string_view bytes) {
  Reader in(bytes);
  auto found = message_of_kind(in.byte(), in);
  if (!found || !in.is_whole() || !makes_sense(*found)) return std::nullopt;
  return found;
}

}  // namespace holdfast::server::upgrade
