# By itself, for holdfastctl.
holdfast_library(tls FOLDER net
  SOURCES tls_context tls_stream
  LINKS holdfast::base
  PRIVATE_LINKS OpenSSL::SSL OpenSSL::Crypto)

holdfast_library(net
  SOURCES address descriptor channel loop tcp_stream tcp_dialer listener signals resolver
  LINKS holdfast::base holdfast::conf event_core
  PRIVATE_LINKS Threads::Threads)
