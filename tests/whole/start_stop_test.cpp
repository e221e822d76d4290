// Starting, checking, stopping: what an operator types and what the exit code says.

#include <doctest/doctest.h>

#include <csignal>

#include "tests/support/fleet.h"
#include "tests/support/text.h"

using namespace holdfast::support;
using holdfast::tests::has;

namespace {

Finished run_holdfast(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), holdfast_binary());
  return run_to_end({.arguments = std::move(arguments), .environment = {}});
}

std::string small_file(std::string_view listen) {
  return "[[listen]]\naddress = \"" + std::string(listen) +
         "\"\n[admin]\naddress = \"127.0.0.1:0\"\n[pools.app]\nbackends = [\"127.0.0.1:1\"]\n";
}

bool is_ready(const Proxy& proxy) {
  return HttpClient(proxy.admin_port()).request({.target = "/readyz", .host = "127.0.0.1"}).is_whole(200);
}

}  // namespace

TEST_CASE("-V and -h answer on stdout; what is no option is a usage error") {
  const Finished version = run_holdfast({"-V"});
  CHECK(version.code == 0);
  CHECK(has(version.out, "holdfast"));
  const Finished help = run_holdfast({"-h"});
  CHECK(help.code == 0);
  for (const char* option : {"--config", "--check", "--dump"}) {
    CAPTURE(option);
    CHECK(has(help.out, option));
  }
  const Finished odd = run_holdfast({"--no-such-option"});
  CHECK(odd.code == 2);
  CHECK(has(odd.err, "no-such-option"));
}

TEST_CASE("-t tells good files from bad ones, with all errors at once") {
  const TempDir dir;
  const std::string state = "[server]\nstate_dir = \"" + dir.path().string() + "\"\n";
  CHECK(run_holdfast({"-t", "-c", dir.write("good.toml", state + small_file("127.0.0.1:0")).string()}).code == 0);

  const auto bad = dir.write("bad.toml", "[server]\nworker = 2\n" + small_file("127.0.0.1:0") + "balence = \"hash\"\n");
  const Finished finished = run_holdfast({"-t", "-c", bad.string()});
  CHECK(finished.code == 1);
  const std::string said = finished.err + finished.out;
  CHECK(has(said, "bad.toml:2:1"));
  CHECK(has(said, "workers"));
  CHECK(has(said, "bad.toml:9:1"));
  CHECK(has(said, "balance"));

  const Finished absent = run_holdfast({"-t", "-c", (dir.path() / "absent.toml").string()});
  CHECK(absent.code == 1);
  CHECK(has(absent.err + absent.out, "absent.toml"));
  CHECK(run_holdfast({"-c", bad.string()}).code == 1);
}

TEST_CASE("-T prints the effective configuration, which -t accepts") {
  const TempDir dir;
  const std::string state = "[server]\nstate_dir = \"" + dir.path().string() + "\"\n";
  const auto file = dir.write("good.toml", state + small_file("127.0.0.1:0"));
  const Finished dumped = run_holdfast({"-T", "-c", file.string()});
  REQUIRE(dumped.code == 0);
  CHECK(has(dumped.out, "127.0.0.1:1"));
  CHECK(has(dumped.out, "idle_timeout"));
  CHECK(run_holdfast({"-t", "-c", dir.write("dumped.toml", dumped.out).string()}).code == 0);
}

TEST_CASE("a port in use is an error that names it, and exit code 1") {
  const TempDir dir;
  const Fd taken = listen_on(0);
  const std::string address = "127.0.0.1:" + std::to_string(port_of(taken));
  const std::string state = "[server]\nstate_dir = \"" + dir.path().string() + "\"\n";
  const Finished finished = run_holdfast({"-c", dir.write("taken.toml", state + small_file(address)).string()});
  CHECK(finished.code == 1);
  CHECK(has(finished.err, address));
}

TEST_CASE("TERM: not ready, the request under way ends well, exit code 0") {
  Latch latch;
  Fleet fleet({"a"});
  fleet.on("/slow", [&](Conversation& c) { c.wait(latch), c.respond(200, "late but whole"); });
  Proxy proxy({.backends = fleet.configs()});
  HttpClient idle = proxy.client();
  CHECK(idle.get("/").is_whole(200));
  HttpClient client = proxy.client();
  REQUIRE(client.send(request_text({.target = "/slow"})));
  REQUIRE(fleet["a"].wait_for_count(2));

  proxy.process().signal(SIGTERM);
  CHECK(idle.wait_for_end() == End::Nothing);
  CHECK(eventually([&] { return !is_ready(proxy); }));
  latch.open();
  const Response response = client.receive();
  CHECK(response.is_whole(200));
  CHECK(response.body == "late but whole");
  CHECK(response.field("Connection").value_or("") == "close");
  CHECK(proxy.process().wait() == 0);
}

TEST_CASE("the second TERM does not wait") {
  Fleet fleet({"a"});
  fleet.on("/slow", [&](Conversation& c) { c.wait_for_peer_to_go(); });
  Proxy proxy({.backends = fleet.configs()});
  HttpClient client = proxy.client();
  REQUIRE(client.send(request_text({.target = "/slow"})));
  REQUIRE(fleet["a"].wait_for_count(1));
  proxy.process().signal(SIGTERM);
  CHECK(eventually([&] { return !is_ready(proxy); }));
  CHECK(proxy.process().is_running());
  proxy.process().signal(SIGTERM);
  const auto code = proxy.process().wait();
  REQUIRE(code.has_value());
  CHECK(*code < 128);
}

TEST_CASE("the drain has a deadline") {
  Fleet fleet({"a"});
  fleet.on("/slow", [&](Conversation& c) { c.wait_for_peer_to_go(); });
  Proxy proxy({.backends = fleet.configs(), .server = "shutdown_deadline = \"300ms\"\n"});
  HttpClient client = proxy.client();
  REQUIRE(client.send(request_text({.target = "/slow"})));
  REQUIRE(fleet["a"].wait_for_count(1));
  CHECK(proxy.stop() == 0);
  CHECK(client.receive().end != End::Whole);
}
