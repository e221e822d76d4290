#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/facts.h"
#include "tests/support/fleet.h"
#include "tests/support/http_client.h"

/// WebSockets through the proxy, whose backends send back what they are sent.
namespace holdfast::support {

inline constexpr std::string_view kUpgradeRequest =
    "GET /ws HTTP/1.1\r\nHost: shop.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

inline void serve_websockets(Fleet& fleet) {
  fleet.on("/ws", [](Conversation& talk) {
    talk.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    talk.echo();
  });
}

inline HttpClient websocket(std::uint16_t port) {
  HttpClient tunnel(port);
  REQUIRE(tunnel.connect());
  REQUIRE(tunnel.send(kUpgradeRequest));
  REQUIRE(tunnel.receive().status == 101);
  return tunnel;
}

inline bool echoes(HttpClient& tunnel) {
  std::string back;
  return tunnel.send("still there") &&
         tunnel.wire().read_length(11, [&](std::string_view bytes) { back += bytes; }) == End::Whole &&
         back == "still there";
}

/// Some; as many as the requirements say, where full size is wanted.
inline std::vector<HttpClient> websockets(std::uint16_t port) {
  const std::size_t wanted = wants_full_size() ? 200 : 20;
  std::vector<HttpClient> all;
  all.reserve(wanted);
  while (all.size() < wanted) all.push_back(websocket(port));
  return all;
}

}  // namespace holdfast::support
