holdfast_library(redis
  SOURCES redis resp wire handshake master_discovery connection link subscription hub
  LINKS holdfast::base holdfast::conf holdfast::net
  PRIVATE_LINKS OpenSSL::Crypto hiredis)
