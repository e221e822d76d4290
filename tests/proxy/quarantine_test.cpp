#include "proxy/quarantine.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <span>
#include <string>

#include "proxy/quarantine_book.h"
#include "tests/proxy/proxy_fixture.h"

using namespace holdfast;
using namespace holdfast::proxy;
using namespace holdfast::tests;
using namespace std::chrono_literals;

namespace {

const base::Instant kStart = base::Instant{} + 1h;
constexpr ClientTag kSomebody{17};
constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
constexpr std::string_view kPost = "POST /boom HTTP/1.1\r\nHost: shop\r\nContent-Length: 3\r\n\r\nabc";
constexpr std::string_view kGet = "GET /boom HTTP/1.1\r\nHost: shop\r\n\r\n";

std::string line(const std::string& method, const std::string& target) {
  return method + " " + target + " HTTP/1.1\r\n";
}

enum class Kind : std::uint8_t { Known, Unknown };

LostRequest lost(const std::string& path, Kind kind) {
  return {.backend = {},
          .fingerprint = {.head = head_fingerprint("shop", line("POST", path)), .client = kSomebody},
          .is_known = kind == Kind::Known,
          .at = kStart,
          .method = "POST",
          .path = path};
}

/// A book that hears of crashes: "a b" are those lost, those in capitals of unknown kinds. Answers who is quarantined.
class Docket {
 public:
  conf::Quarantine rules;
  QuarantineBook book;
  base::Instant now = kStart;
  std::uint64_t crash_number = 0;
  ClientTag client = kSomebody;

  std::string crash(std::string_view words, bool is_whole = true) {
    if (is_whole) now += 2s;
    std::vector<LostRequest> all;
    for (const char c : words) {
      if (c != ' ') all.push_back(of(c));
    }
    std::string out;
    for (const auto& entry : book.on_crash({.pool = "shop",
                             .backend = "a",
                             .rules = rules,
                             .crash_number = is_whole ? ++crash_number : crash_number,
                             .is_whole = is_whole,
                             .now = now,
                             .wall = base::WallTime{}},
                                           all)) {
      out += entry.path.substr(1);
    }
    return out;
  }
  bool answered(char c) { return book.on_answered(of(c).fingerprint); }

 private:
  LostRequest of(char c) const {
    LostRequest request = lost("/" + std::string(1, c), c >= 'A' && c <= 'Z' ? Kind::Unknown : Kind::Known);
    request.fingerprint.client = client;
    return request;
  }
};

/// What the control loop would publish.
void quarantine(ProxyFixture& f, const Fingerprint& fingerprint, base::Duration length = 10min) {
  auto view = std::make_shared<QuarantineView>();
  view->entries.emplace(
      fingerprint.head,
      QuarantineView::Entry{.fingerprint = fingerprint, .is_quarantined = true, .until = f.loop.now() + length});
  view->judged_until.assign(3, f.loop.now());
  f.proxy().set_quarantine(view);
  f.loop.run();
}
void acquit(ProxyFixture& f) {
  auto view = std::make_shared<QuarantineView>();
  view->judged_until.assign(3, f.loop.now());
  f.proxy().set_quarantine(view);
  f.loop.run();
}

}  // namespace

TEST_CASE("a request's print: all that matters, and nothing of how its body came") {
  CHECK(head_fingerprint("shop", line("GET", "/a?x=1")) ==
        head_fingerprint("shop", line("GET", "/a?x=1") + "Cookie: c\r\n"));
  CHECK(head_fingerprint("shop", line("GET", "/a?x=1")) != head_fingerprint("shop", line("GET", "/a?x=2")));
  CHECK(head_fingerprint("shop", line("GET", "/a")) != head_fingerprint("shop", line("POST", "/a")));
  CHECK(head_fingerprint("shop", line("GET", "/a")) != head_fingerprint("erp", line("GET", "/a")));
  const std::string text(1000, 'x');
  BodyFingerprint whole;
  BodyFingerprint pieces;
  whole.add(text);
  for (std::size_t at = 0; at < text.size(); at += 7)
    pieces.add(std::span(text).subspan(at, std::min<std::size_t>(7, 1000 - at)));
  CHECK(whole.value() == pieces.value());
  CHECK(whole.is_full());
}

TEST_CASE("a request's kind: numbers and names of single things are one") {
  struct Row {
    const char* a;
    const char* b;
    bool same;
  };
  const Row rows[] = {{"/orders/17", "/orders/4", true},
                      {"/orders/17", "/orders/4f-a", true},
                      {"/orders/17?x=1", "/orders/17", true},
                      {"/orders/17;s=1", "/orders/17", true},
                      {"/orders/17/x", "/orders/17/y", false},
                      {"/orders", "/orders/17", false},
                      {"/orders/new", "/orders/17", false},
                      {"/a/b", "/ab", false},
                      {"/", "/a", false},
                      {"/a", "/a/", false}};
  for (const Row& row : rows) {
    INFO(row.a);
    INFO(row.b);
    CHECK((kind_fingerprint("shop", line("GET", row.a)) == kind_fingerprint("shop", line("GET", row.b))) == row.same);
  }
}

TEST_CASE("a kind that is remembered is the one that was made") {
  SeenKinds recent;
  std::array<conf::Pool, 2> pools;
  pools[0].name = "shop";
  pools[1].name = "erp";
  pools[1].id = conf::PoolId{1};
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < 400; ++i) {  // more than have a place
      const std::string request = "GET /" + std::string(i / 3, 'x') + std::to_string(i % 3) + (i % 2 == 0 ? "/a" : "");
      const conf::Pool& pool = pools[i % 2];
      INFO(request);
      CHECK(recent.kind_of(pool, request) == kind_fingerprint(pool.name, request + " HTTP/1.1"));
    }
  }
}

TEST_CASE("who is quarantined") {
  Docket d;
  SUBCASE("alone, of a kind nobody was answered: at once") { CHECK(d.crash("A") == "A"); }
  SUBCASE("the same among others of known kinds") { CHECK(d.crash("a b C d") == "C"); }
  SUBCASE("sent twice it is still one") { CHECK(d.crash("A A a") == "A"); }
  SUBCASE("two of unknown kinds: either may be innocent") {
    CHECK(d.crash("A B") == "");
    CHECK(d.crash("B c") == "B");
    CHECK(d.book.quarantined() == 1);
  }
  SUBCASE("of a known kind: at the second death") {
    CHECK(d.crash("a") == "");
    CHECK(d.crash("a b") == "a");
  }
  SUBCASE("unless it was answered between") {
    CHECK(d.crash("a b") == "");
    CHECK(d.answered('a'));
    CHECK(!d.answered('a'));
    CHECK(d.crash("a b") == "b");
  }
  SUBCASE("or the first is too long ago") {
    CHECK(d.crash("a") == "");
    d.now += 11min;
    CHECK(d.crash("a") == "");
  }
  SUBCASE("what comes late is nobody's plain suspect, and no second death") {
    CHECK(d.crash("a b") == "");
    CHECK(d.crash("A a b", false) == "");
    CHECK(d.crash("a", false) == "");
  }
  SUBCASE("backends that die within a second die of one blow") {
    CHECK(d.crash("a") == "");
    d.now -= 1500ms;
    CHECK(d.crash("a") == "");
    CHECK(d.crash("a") == "a");
  }
  SUBCASE("the first time for who has asked it, the second time for everybody") {
    CHECK(d.crash("A") == "A");
    CHECK(d.book.entries().at(id_of(lost("/A", Kind::Unknown).fingerprint)).is_quarantined);
    CHECK(!d.book.entries().at(id_of(of_everybody(lost("/A", Kind::Unknown).fingerprint))).is_quarantined);
    d.client = ClientTag{18};
    CHECK(d.crash("A") == "A");
    CHECK(d.book.entries().at(id_of(of_everybody(lost("/A", Kind::Unknown).fingerprint))).is_quarantined);
    CHECK(d.book.release(id_of(lost("/A", Kind::Unknown).fingerprint)).size() == 2);
    CHECK(d.book.entries().empty());
  }
  SUBCASE("0: never") {
    d.rules.crashes = d.rules.crashes_alone = 0;
    for (int i = 0; i < 5; ++i) CHECK(d.crash("A b") == "");
  }
  SUBCASE("only in company, only alone") {
    d.rules.crashes_alone = 0;
    CHECK(d.crash("A") == "");
    CHECK(d.crash("A") == "A");
    d.rules = {.crashes_alone = 1, .crashes = 0};
    CHECK(d.crash("b") == "");
    CHECK(d.crash("b") == "");
    CHECK(d.crash("C") == "C");
  }
}

TEST_CASE("a quarantine ends by its time, or by an operator; its length is bounded") {
  Docket d;
  CHECK(d.crash("A") == "A");
  CHECK(d.crash("b") == "");
  CHECK(d.book.quarantined() == 1);
  CHECK(d.answered('A'));
  CHECK(d.book.quarantined() == 1);  // for who has asked it
  const std::uint64_t id = id_of(lost("/A", Kind::Unknown).fingerprint);
  CHECK(d.book.release(id).at(0).path == "/A");
  CHECK(d.book.release(id).empty());
  CHECK(d.book.quarantined() == 0);
  CHECK(d.crash("A") == "A");
  CHECK(d.book.expire(d.now + 9min).empty());
  CHECK(d.book.expire(d.now + 10min).size() == 1);
  CHECK(d.book.entries().empty());
  CHECK(d.book.quarantined() == 0);
}

TEST_CASE("no more suspects and quarantined than there is room for") {
  QuarantineBook book;
  const conf::Quarantine rules;
  for (int i = 0; i < 1200; ++i) {
    const LostRequest one[] = {lost("/x/" + std::string(1, 'a') + std::to_string(i), Kind::Unknown)};
    book.on_crash({.pool = "shop",
                   .backend = "a",
                   .rules = rules,
                   .crash_number = static_cast<std::uint64_t>(i) + 1,
                   .now = kStart + std::chrono::seconds{i},
                   .wall = base::WallTime{}},
                  one);
  }
  CHECK(book.quarantined() <= QuarantineBook::kQuarantinedMax);
  CHECK(book.quarantined() > QuarantineBook::kQuarantinedMax / 2);
  std::vector<LostRequest> crowd;
  for (std::size_t i = 0; i < QuarantineBook::kSuspectsMax + 50; ++i)
    crowd.push_back(lost("/y/" + std::to_string(i), Kind::Known));
  book.on_crash(
      {.pool = "shop", .backend = "a", .rules = rules, .crash_number = 5000, .now = kStart, .wall = base::WallTime{}},
      crowd);
  CHECK(book.entries().size() <= QuarantineBook::kSuspectsMax + QuarantineBook::kQuarantinedMax);
  CHECK(book.entries().size() > QuarantineBook::kSuspectsMax);
}

TEST_CASE("a lost request of an unknown kind waits for the judgement, and is not sent to the next backend") {
  ProxyFixture f({.crashes_alone = 1, .crashes = 2});
  const FakePeer reader = f.client(kGet);
  f.backend('a').dies();
  f.loop.run();
  REQUIRE(f.lost.size() == 1);
  CHECK(!f.lost[0].is_known);
  CHECK(f.lost[0].path == "/boom");
  CHECK(reader.received().empty());
  CHECK(f.in_flight('a') + f.in_flight('b') == 0);
  quarantine(f, f.lost[0].fingerprint);
  CHECK(reader.received_head("HTTP/1.1 503"));
  CHECK(reader.received().find("Retry-After: 600\r\n") != std::string::npos);
  CHECK(reader.received().find("not asked again for now") != std::string::npos);
  CHECK(f.backend('b').dials() == 0);
  CHECK(f.proxy().counters().pool[0].quarantined.get() == 1);
  CHECK(f.proxy().counters().pool[0].failed.get() == 1);
}

TEST_CASE("acquitted, or not judged in time, it goes on as ever") {
  ProxyFixture f({.crashes_alone = 1, .crashes = 2});
  f.backend('b').responds_with(std::string(kOk));
  const FakePeer acquitted = f.client(kGet);
  const FakePeer writer = f.client(kPost);
  f.backend('a').dies();
  f.loop.run();
  CHECK(writer.received().empty());
  acquit(f);
  CHECK(acquitted.received_head("HTTP/1.1 200"));
  CHECK(writer.received_head("HTTP/1.1 502"));

  const FakePeer forgotten = f.client("GET /other HTTP/1.1\r\nHost: shop\r\n\r\n");
  CHECK(forgotten.received_head("HTTP/1.1 200"));
  f.backend('b').stays_silent();
  f.backend('b').last().on_bytes(nullptr);
  f.loop.advance(1ms);
  const FakePeer late = f.client("GET /third HTTP/1.1\r\nHost: shop\r\n\r\n");
  f.backend('b').dies();
  f.loop.advance(1900ms);
  CHECK(late.received().empty());
  f.loop.advance(200ms);
  CHECK(late.received_head("HTTP/1.1 50"));
}

TEST_CASE("a kind that was answered before is tried again at once; its client may go while it waits") {
  ProxyFixture f({.crashes_alone = 1, .crashes = 2});
  f.backend('a').responds_with(std::string(kOk));
  f.backend('b').responds_with(std::string(kOk));
  REQUIRE(f.client(kGet).received_head("HTTP/1.1 200"));
  f.backend('a').stays_silent();
  f.backend('a').last().on_bytes(nullptr);
  const FakePeer reader = f.client(kGet);
  FakePeer impatient = f.client("GET /never HTTP/1.1\r\nHost: shop\r\n\r\n");
  f.backend('a').dies();
  f.loop.run();
  CHECK(reader.received_head("HTTP/1.1 200"));
  CHECK(impatient.received().empty());
  impatient.closes();
  f.loop.run();
  acquit(f);
  CHECK(f.backend('b').heads().size() == 1);
}

TEST_CASE("the same request again is refused; another body, query or method is not") {
  ProxyFixture f({.crashes_alone = 1, .crashes = 2});
  f.backend('a').responds_with(std::string(kOk));
  BodyFingerprint body;
  body.add(std::string_view("abc"));
  quarantine(f, {.head = head_fingerprint("shop", line("POST", "/boom")), .length = 3, .body = body.value()});
  CHECK(f.client(kPost).received_head("HTTP/1.1 503"));
  CHECK(f.client("POST /boom HTTP/1.1\r\nHost: shop\r\nContent-Length: 3\r\n\r\nabd").received_head("HTTP/1.1 200"));
  CHECK(f.client("POST /boom HTTP/1.1\r\nHost: shop\r\nContent-Length: 2\r\n\r\nab").received_head("HTTP/1.1 200"));
  CHECK(f.client(kGet).received_head("HTTP/1.1 200"));
  // Its body has still to come: the length decides.
  CHECK(f.client("POST /boom HTTP/1.1\r\nHost: shop\r\nContent-Length: 3\r\n\r\n").received_head("HTTP/1.1 503"));
  f.loop.advance(10min);
  CHECK(f.client(kPost).received_head("HTTP/1.1 200"));
}

TEST_CASE("what one session has done is not held against another") {
  ProxyFixture f({.sticky = conf::StickyMode::AppCookie, .crashes_alone = 1, .crashes = 2});
  const auto get = [](const std::string& sid) {
    return "GET /boom HTTP/1.1\r\nHost: shop\r\nCookie: sid=" + sid + "\r\n\r\n";
  };
  FakePeer culprit = f.client(get("one"));
  const char at = f.in_flight('a') == 1 ? 'a' : 'b';
  f.backend(at).dies();
  f.loop.run();
  REQUIRE(f.lost.size() == 1);
  quarantine(f, f.lost[0].fingerprint);
  CHECK(culprit.received_head("HTTP/1.1 503"));
  for (const char name : {'a', 'b'}) f.backend(name).responds_with(std::string(kOk));
  CHECK(f.client(get("one")).received_head("HTTP/1.1 503"));
  CHECK(f.client(get("two")).received_head("HTTP/1.1 200"));
  CHECK(f.client(kGet).received_head("HTTP/1.1 200"));
}

TEST_CASE("no third backend is tried on a request that two have died with") {
  ProxyFixture f({.backends = 3, .crashes_alone = 0, .crashes = 2});
  FakePeer reader = f.client(kGet);
  REQUIRE(f.in_flight('a') == 1);
  f.backend('a').dies();
  f.loop.run();
  REQUIRE(f.in_flight('b') == 1);
  f.backend('b').dies();
  f.loop.run();
  REQUIRE(f.lost.size() == 2);
  CHECK(reader.received().empty());
  SUBCASE("if they have died") {
    auto view = std::make_shared<QuarantineView>();
    const Fingerprint suspect = of_everybody(f.lost[0].fingerprint);
    view->entries.emplace(suspect.head,
                          QuarantineView::Entry{.fingerprint = suspect, .is_quarantined = false, .until = {}});
    view->judged_until.assign(3, f.loop.now());
    f.proxy().set_quarantine(view);
    f.loop.run();
    CHECK(reader.received_head("HTTP/1.1 502"));
    CHECK(f.backend('c').dials() == 0);
  }
  SUBCASE("not if they have only closed their connections") {
    acquit(f);
    CHECK(f.in_flight('c') == 1);
  }
}

TEST_CASE("a response to a suspect is told") {
  ProxyFixture f({.crashes_alone = 1, .crashes = 2});
  f.backend('a').responds_with(std::string(kOk));
  auto view = std::make_shared<QuarantineView>();
  const Fingerprint fingerprint{
      .head = head_fingerprint("shop", line("GET", "/boom")), .length = 0, .body = BodyFingerprint().value()};
  view->entries.emplace(fingerprint.head,
                        QuarantineView::Entry{.fingerprint = fingerprint, .is_quarantined = false, .until = {}});
  f.proxy().set_quarantine(view);
  CHECK(f.client(kGet).received_head("HTTP/1.1 200"));
  CHECK(f.client("GET / HTTP/1.1\r\nHost: shop\r\n\r\n").received_head("HTTP/1.1 200"));
  REQUIRE(f.cleared.size() == 1);
  CHECK(of_everybody(f.cleared[0]) == fingerprint);
}
