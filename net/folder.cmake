holdfast_library(net
  SOURCES address loop tcp_stream tcp_dialer listener
  LINKS holdfast::base event_core)
