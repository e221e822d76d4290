#include "proxy/head_text.h"

#include <doctest/doctest.h>

#include <string>

using namespace holdfast::proxy;

TEST_CASE("what is written is what was given, whatever its length and what came before") {
  const std::string letters = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  for (const std::size_t ahead : {std::size_t{0}, std::size_t{7}, std::size_t{900}, std::size_t{4096}}) {
    std::string out = "before|";
    std::string want = out;
    {
      HeadWriter head(out);
      head.add(std::string(ahead, 'x'), "\r\n");
      want.append(ahead, 'x').append("\r\n");
      for (std::size_t size = 0; size <= letters.size(); ++size) {
        const std::string_view piece = std::string_view(letters).substr(letters.size() - size);
        head.add(piece, ": ", piece, "\r\n");
        want.append(piece).append(": ").append(piece).append("\r\n");
        CHECK(head.size() == want.size());
      }
      head.add(std::string(2000, 'y'));
      want.append(2000, 'y');
    }
    CHECK(out == want);
  }
}

TEST_CASE("what is taken back is gone, whether it was still gathered or not") {
  for (const std::size_t unwanted :
       {std::size_t{0}, std::size_t{10}, std::size_t{1000}, std::size_t{1100}, std::size_t{5000}}) {
    std::string out = "before|";
    {
      HeadWriter head(out);
      head.add("kept|");
      const std::size_t before = head.size();
      head.add(std::string(unwanted, 'x'));
      head.add(std::string(30, 'y'));
      head.cut(before);
      head.add("after");
    }
    CHECK(out == "before|kept|after");
  }
}
