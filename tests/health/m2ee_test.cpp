#include "health/m2ee.h"

#include <doctest/doctest.h>

#include <string>

using namespace holdfast;
using namespace holdfast::health;

namespace {

struct Row {
  const char* why;
  std::uint16_t status;
  const char* body;
  Reason want;
  const char* detail;  // a part of it
};

}  // namespace

TEST_CASE("m2ee: the request") {
  const conf::Probe probe{.type = conf::ProbeType::M2ee,
                          .path = "/_mxadmin/",
                          .password = "Pa\xffss?",
                          .headers = {{"Authorization", "Basic eDp5"}}};
  CHECK(m2ee_request(probe, "10.0.0.1:8090", "runtime_status") ==
        "POST /_mxadmin/ HTTP/1.1\r\nHost: 10.0.0.1:8090\r\nUser-Agent: holdfast-probe\r\nAuthorization: Basic eDp5\r\n"
        "Content-Type: application/json\r\nX-M2EE-Authentication: UGH/c3M/\r\nContent-Length: 39\r\n\r\n"
        R"({"action":"runtime_status","params":{}})");
  conf::Probe padded{.password = "1"};
  CHECK(m2ee_request(padded, "h", "check_health").find("X-M2EE-Authentication: MQ==\r\n") != std::string::npos);
}

TEST_CASE("m2ee: what runtime_status says") {
  const Row rows[] = {
      {"running", 200, R"({"result":0,"feedback":{"status":"running"}})", Reason::None, "runtime_status: running"},
      {"created", 200, R"({"result":0,"feedback":{"status":"created"}})", Reason::AppStarting, "created"},
      {"starting", 200, R"({"result":0,"feedback":{"status":"starting"}})", Reason::AppStarting, "starting"},
      {"broken", 200, R"({"result":0,"feedback":{"status":"broken"}})", Reason::AppNotRunning, "broken"},
      {"stopping", 200, R"({"result":0,"feedback":{"status":"stopping"}})", Reason::AppNotRunning, "stopping"},
      {"stopped", 200, R"({"result":0,"feedback":{"status":"stopped"}})", Reason::AppNotRunning, "stopped"},
      {"another word", 200, R"({"result":0,"feedback":{"status":"dreaming"}})", Reason::ProbeBadResult, "dreaming"},
      {"no word", 200, R"({"result":0,"feedback":{}})", Reason::ProbeBadResult, "no status"},
      {"no feedback", 200, R"({"result":0})", Reason::ProbeBadResult, "no status"},
      {"feedback of another kind", 200, R"({"result":0,"feedback":[1]})", Reason::ProbeBadResult, "no status"},
      {"status of another kind", 200, R"({"result":0,"feedback":{"status":1}})", Reason::ProbeBadResult, "no status"},
      {"wrong password as 200", 200, R"({"result":-4})", Reason::ProbeMisconfigured,
       "result -4: it refuses the password"},
      {"wrong password as 403", 403, R"({"result":-4})", Reason::ProbeMisconfigured, "password"},
      {"401 by something in front", 401, "<html>", Reason::ProbeMisconfigured, "status 401; is its password right?"},
      {"403 without a word", 403, "", Reason::ProbeMisconfigured, "status 403"},
      {"the JSON decides, not the status", 500, R"({"result":0,"feedback":{"status":"running"}})", Reason::None, ""},
      {"content type", 200, R"({"result":-2})", Reason::ProbeMisconfigured, "content type"},
      {"method", 200, R"({"result":-3})", Reason::ProbeMisconfigured, "method"},
      {"action", 200, R"({"result":-5})", Reason::ProbeMisconfigured, "action"},
      {"null", 200, R"({"result":-1})", Reason::ProbeMisconfigured, "no request"},
      {"another result", 200, R"({"result":7,"message":"oops"})", Reason::ProbeBadResult, "result 7: oops"},
      {"not an admin port", 200, "<html>welcome</html>", Reason::ProbeBadJson, "not that of an admin port"},
      {"JSON of somebody else", 200, R"({"status":"running"})", Reason::ProbeBadJson, ""},
      {"a list", 200, R"([0])", Reason::ProbeBadJson, ""},
      {"a result that is no number", 200, R"({"result":"0"})", Reason::ProbeBadJson, ""},
      {"cut short", 200, R"({"result":0,"feedback":{"sta)", Reason::ProbeBadJson, ""},
      {"not found", 404, "", Reason::ProbeBadStatus, "status 404"},
      {"a proxy's 502", 502, "bad gateway", Reason::ProbeBadStatus, "status 502"},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    const ProbeOutcome got = judge_runtime_status(row.status, row.body);
    CHECK(name_of(got.reason) == name_of(row.want));
    CHECK_MESSAGE(got.detail.find(row.detail) != std::string::npos, got.detail);
    CHECK(got.status == row.status);
  }
}

TEST_CASE("m2ee: what check_health says of an app that runs") {
  const Row rows[] = {
      {"healthy", 200, R"({"result":0,"feedback":{"health":"healthy","diagnosis":""}})", Reason::None, "healthy"},
      {"sick", 200, R"({"result":0,"feedback":{"health":"sick","diagnosis":"no disk"}})", Reason::AppSick,
       "check_health: sick: no disk"},
      {"unknown is as good as healthy", 200, R"({"result":0,"feedback":{"health":"unknown"}})", Reason::None,
       "unknown"},
      {"another word", 200, R"({"result":0,"feedback":{"health":"so-so"}})", Reason::AppSick, "so-so"},
      {"no word", 200, R"({"result":0,"feedback":{}})", Reason::AppSick, "no health"},
      {"a runtime without it", 200, R"({"result":-5})", Reason::None, "no health check"},
      {"not running", 200, R"({"result":2})", Reason::AppNotRunning, "not running"},
      {"the check itself fails", 200, R"({"result":1,"message":"exception"})", Reason::AppSick, "result 1: exception"},
      {"wrong password", 200, R"({"result":-4})", Reason::ProbeMisconfigured, "password"},
      {"no JSON", 200, "well", Reason::ProbeBadJson, ""},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    const ProbeOutcome got = judge_check_health(row.status, row.body);
    CHECK(name_of(got.reason) == name_of(row.want));
    CHECK_MESSAGE(got.detail.find(row.detail) != std::string::npos, got.detail);
  }
}

TEST_CASE("m2ee: a diagnosis of any length fits") {
  const std::string body = R"({"result":0,"feedback":{"health":"sick","diagnosis":")" + std::string(5000, 'x') + "\"}}";
  CHECK(judge_check_health(200, body).detail.size() <= kDetailBytesMax);
}

TEST_CASE("m2ee: a full probe asks twice, a brief one once; one that is not running is not asked for its health") {
  M2eeQuestions questions(conf::Probe{.password = "x"}, "h");
  constexpr std::string_view kRunning = R"({"result":0,"feedback":{"status":"running"}})";
  questions.begin(Depth::Full);
  CHECK(questions.request().find("runtime_status") != std::string_view::npos);
  CHECK(!questions.judge(200, kRunning));
  CHECK(questions.request().find("check_health") != std::string_view::npos);
  CHECK(questions.judge(200, R"({"result":0,"feedback":{"health":"sick"}})")->reason == Reason::AppSick);
  questions.begin(Depth::Brief);
  CHECK(questions.request().find("runtime_status") != std::string_view::npos);
  CHECK(questions.judge(200, kRunning)->passed());
  questions.begin(Depth::Full);
  CHECK(questions.judge(200, R"({"result":0,"feedback":{"status":"starting"}})")->reason == Reason::AppStarting);
}
