#include "ctl/command.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <string>
#include <thread>
#include <utility>

#include "admin/password.h"
#include "admin/status_json.h"
#include "ctl/client.h"
#include "ctl/passwd.h"
#include "ctl/sessions.h"
#include "ctl/status.h"
#include "http/body.h"
#include "tests/admin/sample_view.h"
#include "tests/support/socket.h"
#include "tests/support/text.h"

using namespace holdfast;
using namespace holdfast::ctl;
using holdfast::tests::has;
using namespace std::chrono_literals;
using support::Fd;

namespace {

/// An admin listener of one connection: reads a head, sends its bytes, then ends or stays silent.
class FakeAdmin {
 public:
  enum class After : std::uint8_t { Close, Stay };
  explicit FakeAdmin(const std::string& bytes, After after = After::Close)
      : listener_(support::listen_on(0)), port_(support::port_of(listener_)), thread_([this, bytes, after] {
          connection_ = support::accept_from(listener_);
          std::array<char, 4096> into{};
          while (request.find("\r\n\r\n") == std::string::npos) {
            const support::Got got = support::receive_some(connection_, into);
            if (got.io != support::Io::Ok) return;
            request.append(into.data(), got.bytes);
          }
          support::send_all(connection_, bytes);
          if (after == After::Close) connection_.close();
        }) {}
  FakeAdmin(const FakeAdmin&) = delete;
  FakeAdmin& operator=(const FakeAdmin&) = delete;
  ~FakeAdmin() { thread_.join(); }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  std::string request;  // whole once the client has its response

 private:
  Fd listener_;
  std::uint16_t port_;
  Fd connection_;
  std::thread thread_;  // last: it uses the others
};

std::string response_of(std::string_view body, std::string_view status = "200 OK") {
  return "HTTP/1.1 " + std::string(status) + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

CtlOutcome run(std::vector<std::string> arguments) { return run_ctl(std::move(arguments), Colours::Off); }

}  // namespace

TEST_CASE("admin addresses: what is taken and what is not") {
  struct Row {
    const char* url;
    const char* endpoint;
  };
  const Row rows[] = {{"http://127.0.0.1:8081", "127.0.0.1:8081"},
                      {"http://lb1:9000/", "lb1:9000"},
                      {"HTTP://lb1", "lb1:8081"},
                      {"lb1", "lb1:8081"},
                      {"lb1:80", "lb1:80"},
                      {"http://[::1]:9", "[::1]:9"},
                      {"[::1]", "[::1]:8081"},
                      {"", ""},
                      {"http://", ""},
                      {"https://lb1", "lb1:8081"},
                      {"HTTPS://[::1]:9/", "[::1]:9"},
                      {"ftp://lb1", ""},
                      {"http://lb1:0", ""},
                      {"http://lb1:65536", ""},
                      {"http://lb1:8081x", ""},
                      {"http://lb1/path", ""},
                      {"http://user@lb1", ""},
                      {"http://[::1", ""},
                      {"http://[::1]x", ""},
                      {"http://:80", ""},
                      {"http://l b1", ""},
                      {"http://lb1:", ""}};
  for (const Row& row : rows) {
    INFO(std::string(row.url));
    const auto where = parse_admin_url(row.url);
    CHECK(where.has_value() == (row.endpoint[0] != '\0'));
    if (where) CHECK(where->text() == row.endpoint);
    if (where) CHECK(where->is_tls == (std::string_view(row.url).substr(0, 5).find_first_of("sS") == 4));
    if (!where) CHECK(where.error().code == base::ErrorCode::Invalid);
  }
}

TEST_CASE("status: the verdict line, then an aligned row for each backend") {
  admin::StatusView view = admin::sample_view(2);
  view.pools[0].backends[1] = admin::sample_backend("a-longer-name", health::State::Down);
  view.pools[0].backends[1].reason = "probe_refused";
  view.pools[0].backends[1].detail = "10.0.0.12:8080: refused";
  view.pools[0].backends[1].requests_total = 1'234'567;
  const std::string want =
      "1 of 2 backends of pool shop serving: a-longer-name DOWN (probe_refused); 12 sessions; redis off\n"
      "proxy lb1, version 1.2.3, as of 2026-01-31T12:03:20.000Z\n"
      "\n"
      "POOL/BACKEND        STATE  SINCE                     SESSIONS  IN FLIGHT  REQUESTS  MOVED  REASON\n"
      "shop/app1           UP     2026-01-31T12:00:00.000Z         4          0       100      0\n"
      "shop/a-longer-name  DOWN   2026-01-31T12:00:00.000Z         4          0   1234567      0"
      "  probe_refused: 10.0.0.12:8080: refused\n";
  FakeAdmin admin(response_of(admin::status_json(view)));
  const CtlOutcome outcome = run({"status", "--admin", admin.url()});
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.out == want);
  CHECK(outcome.err.empty());
  CHECK(admin.request.starts_with("GET /api/v1/status HTTP/1.1\r\nHost: 127.0.0.1:"));
}

TEST_CASE("colours only when asked for, and never from the other side") {
  admin::StatusView view = admin::sample_view(1);
  view.pools[0].backends[0].detail = "\x1b[2J\x07 evil\n";
  view.pools[0].name = "\x1b]0;title";
  const std::string json = admin::status_json(view);
  const auto plain = status_table(json, Colours::Off);
  REQUIRE(plain);
  CHECK_FALSE(has(*plain, "\x1b"));
  CHECK_FALSE(has(*plain, "\x07"));
  CHECK(has(*plain, "?[2J? evil?"));
  const auto coloured = status_table(json, Colours::On);
  REQUIRE(coloured);
  CHECK(has(*coloured, "\x1b[32mUP\x1b[0m"));
  CHECK_FALSE(has(*coloured, "\x1b[2J"));
  CHECK_FALSE(has(*coloured, "\x1b]0"));
}

TEST_CASE("--json gives the response itself, readable") {
  FakeAdmin admin(response_of(R"({"node":"lb1","pools":{}})"));
  const CtlOutcome outcome = run({"--admin", admin.url(), "status", "--json"});
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.out == "{\n  \"node\": \"lb1\",\n  \"pools\": {}\n}\n");
}

TEST_CASE("HOLDFAST_ADMIN names the proxy; --admin is stronger") {
  FakeAdmin admin(response_of(admin::status_json(admin::sample_view())));
  ::setenv("HOLDFAST_ADMIN", admin.url().c_str(), 1);
  CHECK(run({"status"}).exit_code == 0);
  ::setenv("HOLDFAST_ADMIN", "http://nonsense:0", 1);
  FakeAdmin other(response_of(admin::status_json(admin::sample_view())));
  CHECK(run({"status", "--admin", other.url()}).exit_code == 0);
  const CtlOutcome nonsense = run({"status"});
  ::unsetenv("HOLDFAST_ADMIN");
  CHECK(nonsense.exit_code == 2);
  CHECK(has(nonsense.err, "http://nonsense:0"));
}

TEST_CASE("what the other side may do wrong: exit 1 and a sentence") {
  struct Row {
    const char* why;
    std::string bytes;
    const char* err;
  };
  const Row rows[] = {
      {"not JSON", response_of("<html>"), "the response is not JSON"},
      {"cut JSON", response_of("{\"pools\":{"), "the response is not JSON"},
      {"other JSON", response_of("[1,2]"), "not the status of holdfast"},
      {"pools of another kind", response_of(R"({"pools":[]})"), "not the status of holdfast"},
      {"pool of another kind", response_of(R"({"pools":{"a":1}})"), "not the status of holdfast"},
      {"backend of another kind", response_of(R"({"pools":{"a":{"backends":{"b":null}}}})"),
       "not the status of holdfast"},
      {"another server", response_of("nothing here", "404 Not Found"), "returned 404 for /api/v1/status"},
      {"no HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n", "does not speak HTTP"},
      {"cut head", "HTTP/1.1 200 OK\r\nContent-", "closed the connection in the middle"},
      {"cut body", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"node\"", "closed the connection in the middle"},
      {"nothing", "", "closed the connection in the middle"}};
  for (const Row& row : rows) {
    INFO(std::string(row.why));
    FakeAdmin admin(row.bytes);
    const CtlOutcome outcome = run({"status", "--admin", admin.url()});
    CHECK(outcome.exit_code == 1);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.starts_with("holdfastctl: 127.0.0.1:"));
    CHECK(has(outcome.err, row.err));
  }
}

TEST_CASE("answers in other framings are understood") {
  const std::string body = admin::status_json(admin::sample_view());
  std::array<char, 20> size{};
  const std::string_view chunk = http::chunk_head(body.size(), size);
  const std::string head = "HTTP/1.1 200 OK\r\n";
  const std::string in_chunks =
      std::string(head).append("Transfer-Encoding: chunked\r\n\r\n").append(chunk).append(body).append("\r\n0\r\n\r\n");
  const std::string until_close = std::string(head).append("Connection: close\r\n\r\n").append(body);
  const std::string after_interim = std::string("HTTP/1.1 103 Early Hints\r\n\r\n").append(response_of(body));
  for (const std::string& bytes : {in_chunks, until_close, after_interim}) {
    FakeAdmin admin(bytes);
    CHECK(run({"status", "--admin", admin.url()}).exit_code == 0);
  }
}

TEST_CASE("nobody there, and somebody who never answers") {
  const Fd reserved = support::reserve_port();
  const std::string nobody = "http://127.0.0.1:" + std::to_string(support::port_of(reserved));
  const CtlOutcome refused = run({"status", "--admin", nobody});
  CHECK(refused.exit_code == 1);
  CHECK(has(refused.err, "refused the connection: is holdfast running"));

  FakeAdmin silent("HTTP/1.1 200 OK\r\n", FakeAdmin::After::Stay);
  const CtlOutcome late = run({"status", "--admin", silent.url(), "--timeout", "50ms"});
  CHECK(late.exit_code == 1);
  CHECK(has(late.err, "did not answer within 50ms"));
}

TEST_CASE("usage: 2 for what is wrong, 0 for help and version") {
  struct Row {
    std::vector<std::string> arguments;
    int code;
    const char* part;
  };
  const Row rows[] = {{{}, 2, "a command is missing"},
                      {{"explode"}, 2, "explode"},
                      {{"status", "drain"}, 2, "drain"},
                      {{"status", "--wrong"}, 2, "--wrong"},
                      {{"status", "--timeout", "soon"}, 2, "soon"},
                      {{"status", "--timeout", "0s"}, 2, "0s"},
                      {{"status", "--admin", "ftp://lb1"}, 2, "expected http://HOST:PORT"},
                      {{"status", "--admin", "https://127.0.0.1:1", "--ca", "/none.pem"}, 1, "/none.pem: "},
                      {{"drain"}, 2, "backend"},
                      {{"drain", "app1"}, 2, "expected POOL/BACKEND"},
                      {{"drain", "shop/app 1"}, 2, "expected POOL/BACKEND"},
                      {{"maint", "shop/app1/x"}, 2, "expected POOL/BACKEND"},
                      {{"drain", "shop/app1", "--deadline", "soon"}, 2, "soon"},
                      {{"ready", "shop/app1", "--deadline", "1m"}, 2, "--deadline"},
                      {{"-h"}, 0, "status"},
                      {{"-h"}, 0, "maint"},
                      {{"status", "--help"}, 0, "--json"},
                      {{"-V"}, 0, "holdfastctl "}};
  for (const Row& row : rows) {
    INFO(std::string(row.part));
    const CtlOutcome outcome = run(row.arguments);
    CHECK(outcome.exit_code == row.code);
    CHECK(has(row.code == 0 ? outcome.out : outcome.err, row.part));
    CHECK((row.code == 0 ? outcome.err : outcome.out).empty());
  }
}

TEST_CASE("orders: what is sent, and what the response means") {
  struct Row {
    std::vector<std::string> arguments;
    std::string response;
    int code;
    const char* said;
  };
  const std::string good = response_of(R"({"state":"DRAINING","sessions":4,"recorded":true})");
  const Row rows[] = {
      {{"drain", "shop/app1"}, good, 0, "shop/app1 is DRAINING; sessions: 4\n"},
      {{"maint", "shop/app1"},
       response_of(R"({"state":"MAINT","sessions":0,"recorded":false,"warning":"no space"})"),
       1,
       "shop/app1 is MAINT; sessions: 0; NOT RECORDED, a restart forgets it: no space\n"},
      {{"ready", "shop/app1"},
       response_of("no backend of that name\n", "404 Not Found"),
       1,
       "returned 404: no backend"},
      {{"ready", "shop/app1"}, response_of("{}"), 1, "not a response of holdfast"},
  };
  for (const Row& row : rows) {
    INFO(std::string(row.said));
    FakeAdmin admin(row.response);
    auto arguments = row.arguments;
    arguments.insert(arguments.end(), {"--admin", admin.url()});
    const CtlOutcome outcome = run(arguments);
    CHECK(outcome.exit_code == row.code);
    CHECK(has(outcome.out + outcome.err, row.said));
    CHECK(admin.request.starts_with("POST /api/v1/pools/shop/backends/app1/" + row.arguments[0] + " HTTP/1.1\r\n"));
    CHECK(has(admin.request, "\r\nContent-Type: application/json\r\n"));
    CHECK(has(admin.request, "{\"by\":\""));
  }
  FakeAdmin admin(good);
  CHECK(run({"drain", "shop/app1", "--deadline", "10m", "--admin", admin.url()}).exit_code == 0);
  CHECK(has(admin.request, "\"deadline\":\"10m\""));
}

TEST_CASE("sessions: an id that begins with a dash is no option") {
  for (const std::string& id : {"-bcdefghij_lmnopqrstuv", "--cdefghij_lmnopqrst-v"}) {
    INFO(id);
    REQUIRE(run({"sessions", "end", id, "--admin", "http://127.0.0.1:1"}).exit_code == 1);  // nobody is there to ask
    FakeAdmin ends(response_of(R"({"ended":1})"));
    CHECK(run({"sessions", "end", id, "--admin", ends.url()}).err.empty());
    CHECK(ends.request.starts_with("POST /api/v1/sessions/" + id + "/end HTTP/1.1\r\n"));
    FakeAdmin moves(response_of(R"({"backend":"b"})"));
    run({"--admin", moves.url(), "sessions", "move", id, "shop/b"});
    CHECK(moves.request.starts_with("POST /api/v1/sessions/" + id + "/move HTTP/1.1\r\n"));
    // Of another command, and of another length, it is an option nobody knows.
    CHECK(run({"status", id}).exit_code == 2);
    CHECK_FALSE(has(run({"status", id}).err, "=" + id));
    CHECK(run({"sessions", "end", id + "x"}).exit_code == 2);
  }
}

TEST_CASE("sessions: what is asked for") {
  using Verb = ctl::CtlSessions::Verb;
  struct Row {
    const char* why;
    ctl::CtlSessions typed;
    const char* path;  ///< nullptr: refused.
    const char* body;
  };
  const Row rows[] = {
      {"all", {.verb = Verb::List}, "/api/v1/sessions?limit=100", ""},
      {"of a backend",
       {.verb = Verb::List, .backend = "shop/a", .limit = 5},
       "/api/v1/sessions?limit=5&backend=shop/a",
       ""},
      {"of a pool", {.verb = Verb::List, .pool = "shop"}, "/api/v1/sessions?limit=100&pool=shop", ""},
      {"no backend", {.verb = Verb::List, .backend = "shop"}, nullptr, ""},
      {"end one", {.verb = Verb::End, .id = "abc"}, "/api/v1/sessions/abc/end", "{}"},
      {"end a backend's", {.verb = Verb::End, .backend = "shop/a"}, "/api/v1/pools/shop/backends/a/sessions/end", "{}"},
      {"end a pool's", {.verb = Verb::End, .pool = "shop"}, "/api/v1/pools/shop/sessions/end", "{}"},
      {"a backend without a name of its own",
       {.verb = Verb::End, .backend = "shop/[::1]:80"},
       "/api/v1/pools/shop/backends/%5B::1%5D:80/sessions/end",
       "{}"},
      {"end nothing in particular", {.verb = Verb::End}, nullptr, ""},
      {"end two things", {.verb = Verb::End, .id = "abc", .pool = "shop"}, nullptr, ""},
      {"end a path", {.verb = Verb::End, .id = "../x"}, nullptr, ""},
      {"move one",
       {.verb = Verb::Move, .id = "abc", .to = "shop/b"},
       "/api/v1/sessions/abc/move",
       R"({"to":"shop/b"})"},
      {"move one nowhere", {.verb = Verb::Move, .id = "abc"}, nullptr, ""},
      {"move a backend's to one", {.verb = Verb::Move, .id = "shop/b", .backend = "shop/a"}, nullptr, ""},
      {"move a backend's",
       {.verb = Verb::Move, .backend = "shop/a"},
       "/api/v1/pools/shop/backends/a/sessions/move",
       "{}"},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    const auto ask = ctl::sessions_ask(row.typed);
    CHECK(ask.has_value() == (row.path != nullptr));
    if (!ask || row.path == nullptr) continue;
    CHECK(ask->path == row.path);
    CHECK(ask->body == row.body);
  }
}

TEST_CASE("sessions: what is said") {
  using Verb = ctl::CtlSessions::Verb;
  const auto words = [](Verb verb, std::string_view response) {
    const auto said = ctl::sessions_words({.verb = verb}, response);
    return said ? *said : "error";
  };
  CHECK(words(Verb::End, R"({"id":"abc","pool":"shop","ended":true})") == "abc ended\n");
  CHECK(words(Verb::End, R"({"ended":7})") == "7 ended\n");
  CHECK(words(Verb::End, R"({"ended":7,"confirmed":false})") ==
        "7 ended; a proxy has not confirmed it: it obeys within 3 s\n");
  CHECK(words(Verb::Move, R"({"moved":7})") == "7 moved\n");
  CHECK(words(Verb::Move, R"({"id":"abc","pool":"shop","backend":"b"})") == "abc is at shop/b\n");
  CHECK(words(Verb::List, "[]") == "error");
  const std::string table = words(
      Verb::List,
      R"({"sessions":[{"id":"abc","pool":"shop","backend":"a","since":"S","last_seen":"L","moves":2}],"limit":9})");
  CHECK(table.find("abc ") != std::string::npos);
  CHECK(table.find("shop/a ") != std::string::npos);
}

TEST_CASE("HOLDFAST_TOKEN is shown to the proxy; one that no line can hold is not") {
  for (const auto& [token, line] :
       {std::pair<const char*, const char*>{"abc-123", "\r\nAuthorization: Bearer abc-123\r\n"}, {"a\r\nb", ""}}) {
    FakeAdmin admin(response_of(admin::status_json(admin::sample_view())));
    ::setenv("HOLDFAST_TOKEN", token, 1);
    CHECK(run({"--admin", admin.url(), "status"}).exit_code == 0);
    ::unsetenv("HOLDFAST_TOKEN");
    CHECK(has(admin.request, "Authorization") == (*line != '\0'));
    CHECK(has(admin.request, line));
  }
}

TEST_CASE("passwd and token print what the configuration takes") {
  const CtlOutcome outcome = run({"token"});
  CHECK(outcome.exit_code == 0);
  const std::size_t at = outcome.out.find("kept: ") + 6;
  const std::string token = outcome.out.substr(at, outcome.out.find('\n') - at);
  CHECK(token.size() == 43);
  CHECK(has(outcome.out, "hash = \"" + admin::hash_token(token) + "\"\n"));

  const auto words = passwd_words("long enough");
  REQUIRE(words.has_value());
  const std::size_t from = words->find('"') + 1;
  CHECK(admin::is_password("long enough", words->substr(from, words->rfind('"') - from)));
  CHECK_FALSE(passwd_words("short").has_value());
}
