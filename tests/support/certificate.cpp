#include "tests/support/certificate.h"

#include <doctest/doctest.h>

#include "tests/support/process.h"

namespace holdfast::support {

Certificate::Certificate(const TempDir& dir) : cert(dir.path() / "cert.pem"), key(dir.path() / "key.pem") {
  Process made(
      {.arguments = {"/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                     "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                     "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key.string(), "-out", cert.string()}});
  const auto code = made.wait();
  REQUIRE_MESSAGE(code == 0, made.err());
}

}  // namespace holdfast::support
