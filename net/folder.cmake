holdfast_library(net
  SOURCES address loop tcp_stream tcp_dialer listener signals
  LINKS holdfast::base event_core)
