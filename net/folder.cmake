# By itself, for holdfastctl.
add_library(holdfast_tls STATIC net/tls_context.cpp net/tls_stream.cpp)
target_include_directories(holdfast_tls PUBLIC ${PROJECT_SOURCE_DIR})
target_link_libraries(holdfast_tls PUBLIC holdfast::base PRIVATE OpenSSL::SSL OpenSSL::Crypto holdfast_warnings)

holdfast_library(net
  SOURCES address descriptor channel loop tcp_stream tcp_dialer listener signals resolver
          redis resp redis_wire redis_handshake redis_seeker redis_connection redis_link redis_subscription
  LINKS holdfast::base holdfast_tls event_core
  PRIVATE_LINKS OpenSSL::Crypto hiredis Threads::Threads)
