#include "server/upgrade_words.h"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::server::upgrade;

namespace {

constexpr base::Instant kAt{std::chrono::hours{1000}};
constexpr sessions::Key kKey{0x0123456789ABCDEF, 0xFEDCBA9876543210};
constexpr sessions::BackendTag kTag{0xAABBCCDDEEFF0011};

std::vector<Message> samples() {
  using sessions::SessionChange;
  const sessions::Binding binding{kTag, sessions::Generation{7}};
  const sessions::SessionRecord session{kKey, binding, kAt, kAt + std::chrono::minutes{1}, {}};
  return {Hello{.version = 3, .store_start = kAt, .sockets = 12},
          PassedSocket{PassedSocket::Use::Admin, "[::1]:8081"},
          SessionBatch{{session, session}},
          SessionBatch{},
          SessionBatch{std::vector(kSessionsPerMessage, session)},
          AllSent{},
          Begin{},
          Ask{42, SessionChange{SessionChange::Kind::Move, kKey, binding, kTag}},
          Ask{43, SessionChange{SessionChange::Kind::CookieIssued, kKey, {}, {}}},
          Ready{{"0.0.0.0:80", "app:1"}},
          Failed{"no such file"},
          Taken{},
          Told{42, {binding, true}},
          ReopenLogs{}};
}

}  // namespace

TEST_CASE("each message comes back as it was") {
  for (const Message& message : samples()) {
    CAPTURE(message.index());
    const std::string bytes = bytes_of(message);
    CHECK(bytes.size() <= 64u << 10);
    const auto back = message_of(bytes);
    REQUIRE(back);
    CHECK(*back == message);
  }
}

TEST_CASE("what is cut short, longer, or of no kind is refused") {
  for (const Message& message : samples()) {
    const std::string bytes = bytes_of(message);
    if (bytes.size() > 1000) continue;
    for (std::size_t length = 0; length < bytes.size(); ++length) CHECK_FALSE(message_of(bytes.substr(0, length)));
    CHECK_FALSE(message_of(bytes + "x"));
  }
  CHECK_FALSE(message_of("\x20"));
  CHECK_FALSE(message_of(bytes_of(SessionBatch{{sessions::SessionRecord{}}})));
  CHECK_FALSE(message_of(bytes_of(Ask{1, {}})));
}

TEST_CASE("long texts are cut, so that each message fits") {
  const auto back = message_of(bytes_of(Failed{std::string(5000, 'a')}));
  REQUIRE(back);
  CHECK(std::get<Failed>(*back).reason.size() == 1000);
  const Ready many{std::vector<std::string>(100, std::string(2000, 'b'))};
  CHECK(bytes_of(many).size() <= 64u << 10);
  CHECK(message_of(bytes_of(many)));
}
