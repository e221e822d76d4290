holdfast_library(web
  SOURCES connection host_rule http_client message router server
  LINKS holdfast::base holdfast::http holdfast::net
  PRIVATE_LINKS fmt::fmt)
