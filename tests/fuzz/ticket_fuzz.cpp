#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "sessions/cookie.h"

using namespace holdfast;
using namespace holdfast::sessions;

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

const Keyring& keyring() {
  static const Keyring one("a secret of thirty-two bytes ...");
  return one;
}

/// Whatever a client sends: it opens only if we sealed it, and then seals to the same bytes again.
void try_as_cookie(std::string_view text) {
  const auto claim = peek(text);
  const auto opened = open(text, keyring());
  must(!opened || (claim && claim->id == opened->id && claim->generation == opened->generation));
  must(!opened || seal(*opened, keyring()) == text);
}

/// A ticket of any content survives the way there and back, and not with one byte changed.
void try_as_ticket(std::string_view bytes) {
  struct {
    SessionId id;
    std::uint64_t backend;
    std::uint32_t generation, issued;
    std::uint8_t changed_at, change;
  } from{};
  std::memcpy(&from, bytes.data(), std::min(bytes.size(), sizeof(from)));
  const base::WallTime issued{std::chrono::seconds{from.issued}};
  const Ticket ticket{from.id, BackendTag{from.backend}, Generation{from.generation}, issued};
  std::string cookie = seal(ticket, keyring());
  const auto opened = open(cookie, keyring());
  must(opened && opened->id == ticket.id && opened->backend == ticket.backend &&
       opened->generation == ticket.generation && opened->issued == ticket.issued);
  char& changed = cookie[from.changed_at % cookie.size()];
  changed = static_cast<char>(changed ^ from.change);
  must(open(cookie, keyring()).has_value() == (from.change == 0));
  try_as_cookie(cookie);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try_as_cookie(text);
  try_as_ticket(text);
  return 0;
}
