#include "proxy/head_text.h"

#include <doctest/doctest.h>

#include <string>

using namespace holdfast::proxy;

TEST_CASE("what is written is what was given, whatever its length and the room there was") {
  const std::string letters = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  for (const std::size_t usual : {std::size_t{0}, std::size_t{7}, std::size_t{4096}}) {
    std::string out = "before|";
    std::string want = out;
    {
      HeadWriter head(out, usual);
      for (std::size_t size = 0; size <= letters.size(); ++size) {
        const std::string_view piece = std::string_view(letters).substr(letters.size() - size);
        head.add(piece, ": ", piece, "\r\n");
        want.append(piece).append(": ").append(piece).append("\r\n");
        CHECK(head.size() == want.size());
      }
      const std::size_t before = head.size();
      head.add("not wanted", std::string_view(letters));
      head.cut(before);
    }
    CHECK(out == want);
  }
}
