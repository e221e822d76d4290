holdfast_library(net
  SOURCES address loop tcp_stream tcp_dialer listener signals resolver
          redis resp redis_wire redis_handshake redis_seeker redis_connection redis_link redis_subscription
  LINKS holdfast::base event_core
  PRIVATE_LINKS OpenSSL::Crypto hiredis Threads::Threads)
