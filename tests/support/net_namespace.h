#pragma once

#include <memory>
#include <string>

#include "tests/support/socket.h"

namespace holdfast::support {

/// A network of its own that is tied to ours by one cable: here is host(), there is nothing but a route to it.
///
/// It has no name and no mount: it lives while this object, or a process inside, does. Needs root and iproute2.
class NetNamespace {
 public:
  /// nullptr where this system does not permit it; `why_not` says so.
  static std::unique_ptr<NetNamespace> make(std::string& why_not);
  NetNamespace(const NetNamespace&) = delete;
  NetNamespace& operator=(const NetNamespace&) = delete;
  ~NetNamespace();

  /// Our end of the cable, an address that servers may listen on.
  const std::string& host() const { return host_; }
  /// The other end, for servers inside.
  const std::string& inside() const { return inside_; }
  /// What is sent there from inside is dropped, or arrives again.
  bool drop_route() const;
  bool restore_route() const;

  /// As long as it lives, this thread's new sockets and processes are inside.
  class Inside {
   public:
    explicit Inside(const NetNamespace& space);
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside();

   private:
    Fd outside_;
  };

 private:
  NetNamespace();
  std::string add_cable();  // what ip(8) complains of, or nothing
  bool route(const char* change) const;

  Fd space_;
  std::string cable_;
  std::string host_;
  std::string inside_;
};

}  // namespace holdfast::support
