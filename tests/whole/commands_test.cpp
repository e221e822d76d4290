// What an operator types and which signals are sent, by the real programs: what is done, what is said, the exit codes.
// drain, roll, reload and the stops have tests of their own.

#include <doctest/doctest.h>

#include <csignal>

#include "tests/support/ctl.h"
#include "tests/support/fleet.h"
#include "tests/support/text.h"

using namespace holdfast::support;
using holdfast::tests::has;

namespace {

Finished run_daemon(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), holdfast_binary());
  return run_to_end({.arguments = std::move(arguments), .environment = {}});
}

/// A command for /bin/sh, with holdfastctl as "$0".
Finished in_shell(const Proxy& proxy, const std::string& command) {
  auto options = ctl_options(proxy, {});
  options.arguments = {"/bin/sh", "-c", command, holdfastctl_binary()};
  return run_to_end(options);
}

ProxyConfig config_of(const Fleet& fleet) {
  return {.backends = fleet.configs(), .sticky = "mode = \"app_cookie\"\nnames = [\"sid\"]\n"};
}

/// Some users, all served by `backend`: the other one is out.
void bind_users(const Proxy& proxy, int count) {
  HttpClient client = proxy.client();
  for (int i = 0; i < count; ++i) {
    REQUIRE(client.get("/", {{"Cookie", "sid=user" + std::to_string(i)}}).is_whole(200));
  }
}

/// The ids of a listing: the first word of each line behind the titles.
std::vector<std::string> ids_in(const std::string& table) {
  std::vector<std::string> ids;
  for (std::size_t at = table.find('\n') + 1; at < table.size(); at = table.find('\n', at) + 1) {
    ids.push_back(table.substr(at, table.find(' ', at) - at));
  }
  return ids;
}

}  // namespace

TEST_CASE("holdfast: wrong use is 2 and says what was wrong") {
  struct Row {
    std::vector<std::string> arguments;
    const char* says;
  };
  for (const Row& row :
       {Row{{"--config"}, "--config"}, {{"-c", "a", "b"}, "b"}, {{"start"}, "start"}, {{"-x"}, "-x"}}) {
    CAPTURE(row.says);
    const Finished finished = run_daemon(row.arguments);
    CHECK(finished.code == 2);
    CHECK(has(finished.err, row.says));
    CHECK(finished.out.empty());
  }
}

TEST_CASE("holdfast -T hides secrets, and -c, -t and -T name the file that is not there") {
  const TempDir dir;
  const auto file = dir.write(
      "holdfast.toml", "[server]\nstate_dir = \"" + dir.path().string() +
                           "\"\n[[listen]]\naddress = \"127.0.0.1:0\"\n[redis]\nurl = "
                           "\"redis://user:opensesame@127.0.0.1:1/0\"\n[pools.app]\nbackends = [\"127.0.0.1:1\"]\n");
  const Finished dumped = run_daemon({"-T", "-c", file.string()});
  CHECK(dumped.code == 0);
  CHECK(has(dumped.out, "redis"));
  CHECK_FALSE(has(dumped.out, "opensesame"));
  const std::string absent = (dir.path() / "absent.toml").string();
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"-T", "-c", absent}, {"-t", "-c", absent}, {"-c", absent}}) {
    const Finished finished = run_daemon(words);
    CHECK(finished.code == 1);
    CHECK(has(finished.err, absent));
  }
}

TEST_CASE("INT stops like TERM") {
  Fleet fleet({"a"});
  Proxy proxy(config_of(fleet));
  proxy.process().signal(SIGINT);
  CHECK(proxy.process().wait() == 0);
  CHECK(has(proxy.process().err(), " stopping "));
}

TEST_CASE("USR1 opens the access log anew; where that fails the old file goes on, and it is said") {
  Fleet fleet({"a"});
  const TempDir dir;
  const TempDir gone;
  const auto log = dir.path() / "access.log";
  ProxyConfig config = config_of(fleet);
  config.server = "access_log = { path = \"" + log.string() + "\" }\n";
  Proxy proxy(config);
  HttpClient client = proxy.client();
  const auto logs = [&](const std::filesystem::path& file, const std::string& path) {
    CHECK(client.get(path).is_whole(200));
    return eventually([&] { return has(read_text(file), path); });
  };
  CHECK(logs(log, "/before"));
  const auto rotated = dir.path() / "access.log.1";
  std::filesystem::rename(log, rotated);
  CHECK(logs(rotated, "/between"));
  proxy.process().signal(SIGUSR1);
  CHECK(eventually([&] { return std::filesystem::exists(log); }));
  CHECK(logs(log, "/after"));
  CHECK_FALSE(has(read_text(rotated), "/after"));
  const auto elsewhere = gone.path() / "folder";
  std::filesystem::rename(dir.path(), elsewhere);
  proxy.process().signal(SIGUSR1);
  CHECK(proxy.process().wait_for_line(" access_log_failed "));
  CHECK(logs(elsewhere / "access.log", "/still"));
  std::filesystem::rename(elsewhere, dir.path());
  CHECK(proxy.stop() == 0);
}

TEST_CASE("holdfastctl status: words, or the whole response") {
  Fleet fleet({"a", "b"});
  Proxy proxy(config_of(fleet));
  const Finished words = ctl(proxy, {"status"});
  CHECK(words.code == 0);
  CHECK(has(words.out, "app/a"));
  CHECK(has(words.out, " UP "));
  CHECK(words.err.empty());
  const Finished json = ctl(proxy, {"status", "--json"});
  CHECK(json.code == 0);
  const auto parsed = nlohmann::json::parse(json.out, nullptr, false);
  REQUIRE(parsed.is_object());
  CHECK(parsed["pools"]["app"]["backends"]["b"]["state"] == "UP");
}

TEST_CASE("holdfastctl sessions: listed, moved, ended, by id and by the lot") {
  Fleet fleet({"a", "b"});
  Proxy proxy(config_of(fleet));
  REQUIRE(ctl(proxy, {"maint", "app/b"}).code == 0);
  bind_users(proxy, 5);
  REQUIRE(ctl(proxy, {"ready", "app/b"}).code == 0);
  REQUIRE(proxy.wait_for_state("b", "UP"));

  const Finished listed = ctl(proxy, {"sessions", "--backend", "app/a"});
  CHECK(listed.code == 0);
  const auto ids = ids_in(listed.out);
  REQUIRE(ids.size() == 5);
  CHECK(ids_in(ctl(proxy, {"sessions", "--limit", "2"}).out).size() == 2);
  CHECK(ids_in(ctl(proxy, {"sessions", "--pool", "app"}).out).size() == 5);
  CHECK(has(ctl(proxy, {"sessions", "--json"}).out, ids[0]));

  const Finished moved = ctl(proxy, {"sessions", "move", ids[0], "app/b"});
  CHECK(moved.code == 0);
  CHECK(moved.out == ids[0] + " is at app/b\n");
  CHECK(ids_in(ctl(proxy, {"sessions", "--backend", "app/b"}).out) == std::vector<std::string>{ids[0]});
  const Finished ended = ctl(proxy, {"sessions", "end", ids[0]});
  CHECK(ended.code == 0);
  CHECK(ended.out == ids[0] + " ended\n");
  CHECK(ctl(proxy, {"sessions", "end", ids[0]}).code == 1);
  CHECK(ctl(proxy, {"sessions", "move", "--backend", "app/a"}).out == "4 moved\n");
  CHECK(ctl(proxy, {"sessions", "end", "--backend", "app/b"}).out == "4 ended\n");
  CHECK(ctl(proxy, {"sessions", "end", "--pool", "app"}).out == "0 ended\n");
  const Finished nowhere = ctl(proxy, {"sessions", "move", ids[1], "app/x"});
  CHECK(nowhere.code == 1);
  CHECK(has(nowhere.err, "no backend of that name"));
}

TEST_CASE("holdfastctl reload: checked, applied, refused") {
  Fleet fleet({"a", "b"});
  Proxy proxy(config_of(fleet));
  ProxyConfig wanted = config_of(fleet);
  wanted.pool = "balance = \"hash\"\n";
  proxy.reconfigure(wanted);
  const Finished checked = ctl(proxy, {"reload", "--check"});
  CHECK(checked.code == 0);
  CHECK(has(checked.out, "pools.app.balance"));
  CHECK(has(checked.out, "checked, not applied\n"));
  const Finished applied = ctl(proxy, {"reload"});
  CHECK(applied.code == 0);
  CHECK(has(applied.out, "in force\n"));
  CHECK(ctl(proxy, {"reload"}).out == "nothing has changed\n");
  proxy.write_config("[[listen]]\naddress = \"127.0.0.1:0\"\n[pools.app]\nbackend = [\"h:1\"]\n");
  for (const std::vector<std::string>& words : {std::vector<std::string>{"reload"}, {"reload", "--check"}}) {
    const Finished refused = ctl(proxy, words);
    CHECK(refused.code == 1);
    CHECK(has(refused.err, "holdfast.toml:4:1: "));
  }
}

TEST_CASE("holdfastctl passwd and token print what goes into the file, and that is taken") {
  Fleet fleet({"a"});
  Proxy proxy(config_of(fleet));
  const Finished hashed = in_shell(proxy, "echo 'a long password' | \"$0\" passwd");
  CHECK(hashed.code == 0);
  CHECK(hashed.out.starts_with("password_hash = \""));
  const Finished brief = in_shell(proxy, "echo short | \"$0\" passwd");
  CHECK(brief.code == 1);
  CHECK(has(brief.err, "at least 10 characters"));

  const Finished made = ctl(proxy, {"token"});
  CHECK(made.code == 0);
  const auto at = made.out.find("anywhere: ") + 10;
  const std::string token = made.out.substr(at, made.out.find('\n') - at);
  ProxyConfig config = config_of(fleet);
  config.tables =
      "[[admin.tokens]]\nname = \"robot\"\nrole = \"operator\"\n" + made.out.substr(made.out.find("hash ="));
  Proxy with_token(config);
  const Finished without = ctl(with_token, {"maint", "app/a"});
  CHECK(without.code == 1);
  CHECK(has(without.err, " returned 40"));
  auto options = ctl_options(with_token, {"maint", "app/a"});
  options.environment.push_back("HOLDFAST_TOKEN=" + token);
  CHECK(run_to_end(options).code == 0);
  CHECK(with_token.backend("a").value("ordered_by", "") == "robot");
}

TEST_CASE("holdfastctl: help and version are 0, wrong use is 2, nobody there is 1") {
  Fleet fleet({"a"});
  Proxy proxy(config_of(fleet));
  struct Row {
    std::vector<std::string> arguments;
    int code;
    const char* says;
  };
  const Row rows[] = {
      {{"-h"}, 0, "roll"},
      {{"roll", "--help"}, 0, "--up-timeout"},
      {{"-V"}, 0, "holdfastctl "},
      {{}, 2, "a command is missing"},
      {{"explode"}, 2, "explode"},
      {{"drain"}, 2, "backend is required"},
      {{"drain", "a"}, 2, "expected POOL/BACKEND"},
      {{"drain", "app/a", "--deadline", "soon"}, 2, "soon"},
      {{"maint", "app/a", "--wait"}, 2, "--wait"},
      {{"sessions", "end"}, 2, "which sessions?"},
      {{"sessions", "move", "x"}, 2, "expected: sessions move ID POOL/BACKEND"},
      {{"roll", "app"}, 2, "--each is required"},
      {{"roll", "--each", "true"}, 2, "pool is required"},
      {{"roll", "app/a", "--each", "true"}, 2, "\"app/a\" is not a pool name"},
      {{"roll", "app", "--each", ""}, 2, "--each"},
      {{"roll", "app", "--each", "true", "--deadline", "never"}, 2, "--deadline \"never\""},
      {{"roll", "app", "--each", "true", "--up-timeout", "0s"}, 2, "--up-timeout \"0s\""},
      {{"status", "--timeout", "0s"}, 2, "0s"},
      {{"--admin", "ftp://x", "status"}, 2, "ftp://x"},
      {{"maint", "shop/a"}, 1, "no pool of that name; there are: app"},
  };
  for (const Row& row : rows) {
    std::string typed;
    for (const auto& word : row.arguments) typed += " " + word;
    CAPTURE(typed);
    const Finished finished = ctl(proxy, row.arguments);
    CHECK(finished.code == row.code);
    const std::string& said = row.code == 0 ? finished.out : finished.err;
    CHECK_MESSAGE(has(said, row.says), said);
    CHECK((row.code == 0 ? finished.err : finished.out).empty());
  }
  CHECK(proxy.stop() == 0);
  for (const std::vector<std::string>& words : {std::vector<std::string>{"status"},
                                                {"drain", "app/a"},
                                                {"reload"},
                                                {"sessions"},
                                                {"roll", "app", "--each", "true"}}) {
    const Finished finished = ctl(proxy, words);
    CHECK(finished.code == 1);
    CHECK(has(finished.err, "refused the connection: is holdfast running"));
  }
}
