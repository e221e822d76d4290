#pragma once

#include <string>
#include <vector>

/// Messages that a proxy must refuse, and odd ones that it must not: one table for the parser's own test and for the
/// whole program. Each row is all that comes on a fresh connection; nothing is shared between rows.
namespace holdfast::tests {

/// A response whose head may have been passed on before the fault shows: the client must get 502 or see it cut short.
inline constexpr int kCut = 1;

struct HostileRow {
  const char* why;
  const char* rfc;  ///< Number and section, as "9112 6.3".
  std::string bytes;
  int want_status;                 ///< What the client is told; 0: it must be forwarded; kCut.
  std::string forwarded_contains;  ///< With 0: in what the other side receives, before any body is decoded.
  std::string forwarded_lacks;     ///< With 0; compare without case.
  std::string method = "GET";      ///< Of the request that a response belongs to.
};

/// Requests by a client nobody trusts, to a proxy that sends every host and path to one pool.
std::vector<HostileRow> hostile_requests();
/// Responses by a backend that closes its connection after them. Refused is 502.
std::vector<HostileRow> hostile_responses();

}  // namespace holdfast::tests
