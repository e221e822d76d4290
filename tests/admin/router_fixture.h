#pragma once

#include <string>
#include <utility>

#include "tests/admin/fake_services.h"
#include "tests/support/fake_net.h"

namespace holdfast::admin {

/// All routes over services and a source that a test can change, and requests as a local client sends them.
struct RouterFixture : FakeServices {
  web::Request request(http::Method method, std::string path, std::string body = {}) const {
    web::Request out;
    out.method = method;
    out.path = std::move(path);
    out.host = "localhost";
    out.fields = {{"content-type", "application/json"}};
    out.body = std::move(body);
    out.peer = tests::fake_address(5000);
    return out;
  }
  web::Request post(std::string path, std::string body = {}) const {
    return request(http::Method::Post, std::move(path), std::move(body));
  }
  web::Response ask(const web::Request& request) const { return response_of(router, request); }

  web::Router router = make_router(all());
};

}  // namespace holdfast::admin
