// The tests' own tools, tried on themselves: a client that is wrong about what it saw makes every other test worthless.

#include <doctest/doctest.h>

#include <csignal>

#include "tests/support/http_client.h"
#include "tests/support/proxy.h"
#include "tests/support/test_backend.h"

using namespace holdfast::support;

TEST_CASE("a client tells whole, truncated and reset answers apart") {
  TestBackend backend("b");
  backend.on("/length-cut",
             [](Conversation& c) { c.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfour"), c.close(); });
  backend.on("/chunk-cut", [](Conversation& c) {
    c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n"), c.close();
  });
  backend.on("/head-cut", [](Conversation& c) { c.send("HTTP/1.1 200 OK\r\nConte"), c.close(); });
  backend.on("/reset", [](Conversation& c) {
    c.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), c.wait_for_peer_to_go(Deadline{50ms}), c.reset();
  });
  backend.on("/chunked", [](Conversation& c) {
    c.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    c.send("4;x=y\r\nfour\r\n3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n");
  });
  backend.on("/bare-lf", [](Conversation& c) { c.send("HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n"), c.close(); });
  backend.on("/until-close", [](Conversation& c) { c.send("HTTP/1.1 200 OK\r\n\r\nall"), c.close(); });
  struct Row {
    const char* path;
    End end;
    int status;
    const char* body;
  };
  for (const Row& row :
       {Row{"/length-cut", End::Truncated, 200, "four"}, Row{"/chunk-cut", End::Truncated, 200, "four"},
        Row{"/head-cut", End::Truncated, 0, ""}, Row{"/reset", End::Reset, 200, ""},
        Row{"/bare-lf", End::Malformed, 0, ""}, Row{"/until-close", End::Whole, 200, "all"},
        Row{"/else", End::Whole, 200, "b"}, Row{"/chunked", End::Whole, 200, "fourabc"}}) {
    INFO(row.path);
    HttpClient client(backend.port());
    const Response response = client.get(row.path);
    CHECK(response.end == row.end);
    CHECK(response.status == row.status);
    CHECK(response.body == row.body);
  }
  HttpClient client(backend.port());
  const Response response = client.get("/chunked");
  REQUIRE(response.trailers.size() == 1);
  CHECK(response.trailers[0].value == "7");
  CHECK(response.interim.size() == 1);
}

TEST_CASE("a backend records what it was asked, refuses, crashes and comes back on its port") {
  TestBackend backend("b");
  HttpClient client(backend.port());
  CHECK(client.post("/buy", "12345", {{"X-Test-Id", "one"}}).is_whole(200));
  CHECK(client.get("/again").is_whole(200));
  CHECK(backend.connections() == 1);
  CHECK(backend.count("one") == 1);
  CHECK(backend.executed("one") == 1);
  CHECK(backend.arrivals()[0].body == "12345");
  backend.refuse();
  CHECK(client.get("/kept").is_whole(200));
  CHECK(HttpClient(backend.port()).get("/").refused);
  REQUIRE(client.send("GET / HTTP/1.1\r\n"));
  backend.crash();
  CHECK(client.wait_for_end() == End::Reset);
  CHECK(backend.open_connections() == 0);
  backend.restart();
  CHECK(HttpClient(backend.port()).get("/").is_whole(200));
}

TEST_CASE("the sample app keeps a login over the death of its backend") {
  const TempDir logins;
  AppServer one("one", logins.path());
  AppServer two("two", logins.path());
  HttpClient client(one.port());
  CHECK(client.get("/").is_whole(200));
  CHECK(client.cookies().count("connect.sid") == 1);
  CHECK(client.post("/login", "user=Zo%C3%AB+%3Cb%3E").is_whole(303));
  one.kill_hard();
  CHECK(client.get("/").refused);
  HttpClient other(two.port());
  other.cookies() = client.cookies();
  const Response response = other.get("/");
  CHECK(response.body.find("Hello, Zo\xC3\xAB &lt;b&gt;") != std::string::npos);
  CHECK(response.field("X-Node") == "two");
  CHECK(other.get("/api/whoami").body.find("\"session_requests\":4") != std::string::npos);
  CHECK(other.get("/bytes?n=100000").body_bytes == 100000);
  CHECK(other.post("/upload", "12345").body == "{\"bytes\":5}\n");
  CHECK(other.get("/logout").is_whole(303));
  CHECK(other.cookies().empty());
  one.restart();
  CHECK(client.get("/health").is_whole(200));
}

TEST_CASE("the sample app speaks WebSocket") {
  const TempDir logins;
  AppServer app("one", logins.path());
  HttpClient client(app.port());
  // The key and its response are the example of RFC 6455 section 1.3; the frame is masked with zeros.
  REQUIRE(
      client.send("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
  const Response response = client.receive();
  CHECK(response.status == 101);
  CHECK(response.field("Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  using namespace std::string_literals;
  REQUIRE(client.send("\x81\x83\0\0\0\0abc"s));
  std::string echoed;
  CHECK(client.wire().read_length(5, [&](std::string_view part) { echoed.append(part); }) == End::Whole);
  CHECK(echoed == "\x81\x03"s + "abc");
}

TEST_CASE("a process: lines, exit codes, signals") {
  Process shell({{"/bin/sh", "-c", "echo out; echo err >&2; exec sleep 600"}, {}});
  CHECK(shell.wait_for_line("out") == "out");
  CHECK(shell.wait_for_line("err") == "err");
  shell.signal(SIGKILL);
  CHECK(shell.wait() == 128 + SIGKILL);
  CHECK_FALSE(shell.wait_for_line("never"));
  const Finished finished = run_to_end({{"/bin/sh", "-c", "printf tail; exit 7"}, {}});
  CHECK(finished.code == 7);
  CHECK(finished.out == "tail\n");
  CHECK(resident_bytes(::getpid()) > (1u << 20));
}

TEST_CASE("a process can be left while what it started holds its output") {
  std::string left;
  {
    Process shell({.arguments = {"sh", "-c", "sleep 1000 & echo pid $!; wait"}});
    const auto line = shell.wait_for_line("pid ");
    REQUIRE(line);
    left = line->substr(4);
  }
  CHECK(::kill(std::stoi(left), SIGKILL) == 0);
}
