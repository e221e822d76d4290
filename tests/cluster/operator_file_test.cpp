#include "cluster/operator_file.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "tests/support/temp_dir.h"

using namespace holdfast;
using namespace holdfast::cluster;
using namespace std::chrono_literals;
using health::OperatorState;

namespace {

OperatorBook one(OperatorState state, std::int64_t at) {
  OperatorBook book;
  book.merge("shop/app1", {.state = state, .by = "ops", .at = base::WallTime{std::chrono::milliseconds{at}}});
  return book;
}

}  // namespace

TEST_CASE("what was saved is loaded, and nothing lies beside it") {
  const support::TempDir dir;
  const OperatorFile file(dir.path().string());
  REQUIRE(file.load());
  CHECK(file.load()->entries().empty());
  REQUIRE(file.save(one(OperatorState::Drain, 1)));
  REQUIRE(file.save(one(OperatorState::Maint, 2)));
  REQUIRE(file.load());
  CHECK(file.load()->entries() == one(OperatorState::Maint, 2).entries());
  CHECK(std::distance(std::filesystem::directory_iterator(dir.path()), {}) == 1);
}

TEST_CASE("a broken file is said and set aside") {
  for (const char* text : {"", "{", "\x01\x02", R"({"backends":{"a/b":{"state":"flying"}}})"}) {
    const support::TempDir dir;
    const OperatorFile file(dir.path().string());
    dir.write("operator.json", text);
    const auto loaded = file.load();
    REQUIRE(!loaded);
    CHECK(loaded.error().code == base::ErrorCode::Malformed);
    CHECK(loaded.error().text.find(file.path()) == 0);
    CHECK(loaded.error().text.find("set aside as") != std::string::npos);
    CHECK(support::read_text(dir.path() / "operator.json.broken") == text);
    CHECK_MESSAGE(file.load(), "the next start is a clean one");
    CHECK(file.save(one(OperatorState::Drain, 1)));
  }
}

TEST_CASE("a folder that is not there is an error for saving, not for loading") {
  const OperatorFile file("/proc/no/such/folder");
  CHECK(file.load());
  const auto saved = file.save(one(OperatorState::Drain, 1));
  REQUIRE(!saved);
  CHECK(saved.error().code == base::ErrorCode::Io);
  CHECK(saved.error().text.find("/proc/no/such/folder/operator.json") != std::string::npos);
}
