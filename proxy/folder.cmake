holdfast_library(proxy
  SOURCES
    access_line
    answer_headers
    error_page
    forward_headers
    identity
    route
  LINKS holdfast::base holdfast::conf holdfast::http holdfast::net holdfast::sessions holdfast::health)
