#include "net/channel.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <vector>

using namespace holdfast;
using namespace std::chrono_literals;

namespace {

struct Side final : net::Channel::Handler {
  Side(net::Loop& l, net::Descriptor end)
      : loop(l),
        channel(std::make_unique<net::Channel>(l, std::move(end), static_cast<net::Channel::Handler&>(*this))) {}
  void on_parcel(net::Parcel parcel) override {
    parcels.push_back(std::move(parcel));
    if (parcels.size() == wanted) loop.stop();
  }
  void on_room() override { ++rooms; }
  void on_gone() override {
    is_gone = true;
    loop.stop();
  }

  net::Loop& loop;
  std::unique_ptr<net::Channel> channel;
  std::vector<net::Parcel> parcels;
  std::size_t wanted = 0;
  int rooms = 0;
  bool is_gone = false;
};

struct Fixture {
  net::Loop loop;
  std::pair<net::Descriptor, net::Descriptor> ends = net::Channel::make_ends().value();
  std::unique_ptr<Side> left = std::make_unique<Side>(loop, std::move(ends.first));
};

}  // namespace

TEST_CASE("messages arrive whole, in order, with the files that came along") {
  Fixture f;
  Side right(f.loop, std::move(f.ends.second));
  std::array<int, 2> pipe{};
  REQUIRE(::pipe(pipe.data()) == 0);
  const net::Descriptor reader(pipe[0]);
  f.left->channel->send("first");
  f.left->channel->send("second", net::Descriptor(pipe[1]));
  right.wanted = 2;
  f.loop.run();
  REQUIRE(right.parcels.size() == 2);
  CHECK(right.parcels[0].bytes == "first");
  CHECK_FALSE(right.parcels[0].descriptor.is_open());
  CHECK(right.parcels[1].bytes == "second");
  REQUIRE(right.parcels[1].descriptor.is_open());
  CHECK(::write(right.parcels[1].descriptor.get(), "x", 1) == 1);
  char byte = 0;
  CHECK(::read(reader.get(), &byte, 1) == 1);
  CHECK(byte == 'x');
}

TEST_CASE("what the other side does not take waits, and room is told once it is gone") {
  Fixture f;
  const std::string large(net::Channel::kMessageMax, 'a');
  std::size_t sent = 0;
  for (; f.left->channel->has_room() || sent < 40; ++sent) f.left->channel->send(large);
  REQUIRE_FALSE(f.left->channel->has_room());
  Side right(f.loop, std::move(f.ends.second));
  right.wanted = sent;
  f.loop.run();
  CHECK(right.parcels.size() == sent);
  for (const net::Parcel& parcel : right.parcels) CHECK(parcel.bytes == large);
  CHECK(f.left->channel->has_room());
  CHECK(f.left->rooms == 1);
}

TEST_CASE("the other side's end comes after its last message, whether it has read ours or not") {
  Fixture f;
  SUBCASE("all of it") {}
  SUBCASE("not all") { f.left->channel->send("unread"); }
  {
    Side right(f.loop, std::move(f.ends.second));
    right.channel->send("farewell");
  }
  f.loop.run();
  REQUIRE(f.left->parcels.size() == 1);
  CHECK(f.left->parcels[0].bytes == "farewell");
  CHECK(f.left->is_gone);
  f.left->channel->send("nobody hears it");
}

TEST_CASE("an end without a loop waits for its message, but not for ever") {
  Fixture f;
  CHECK(net::Channel::receive(f.ends.second, 10ms).error().code == base::ErrorCode::Timeout);
  f.left->channel->send("hello");
  CHECK(net::Channel::receive(f.ends.second, 10s)->bytes == "hello");
  f.left.reset();
  CHECK(net::Channel::receive(f.ends.second, 10s).error().code == base::ErrorCode::Closed);
}
