#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "tests/support/fake_net.h"
#include "web/server.h"

/// A server for our own endpoints on the fake loop, and what its clients send and get.
namespace holdfast::web {

struct WebServer {
  WebServer(tests::FakeLoop& on, Router router, ConnectionLimits limits = {})
      : loop(on), server(loop, std::move(router), HostRule(tests::fake_address(8081), "127.0.0.1"), limits) {}

  tests::FakePeer connect() {
    auto [stream, peer] = tests::fake_connection(loop);
    server.accept(std::move(stream));
    return peer;
  }
  /// All that comes back for `bytes` on a connection of their own.
  std::string talk(std::string_view bytes) {
    tests::FakePeer peer = connect();
    peer.sends(bytes);
    loop.run();
    return peer.take();
  }

  tests::FakeLoop& loop;
  Server server;
};

inline std::string get(std::string_view target) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
}
inline std::string body_of(const std::string& response) { return response.substr(response.find("\r\n\r\n") + 4); }

/// What a router answers at once.
inline Response response_of(const Router& router, const Request& request) {
  Response got;
  router.handle(request, [&got](const Response& response) { got = response; });
  return got;
}

}  // namespace holdfast::web
