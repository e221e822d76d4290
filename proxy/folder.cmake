holdfast_library(proxy
  SOURCES
    access_line
    answer_headers
    balance
    error_page
    forward_headers
    identity
    retry
    route
  LINKS holdfast::base holdfast::conf holdfast::http holdfast::net holdfast::sessions holdfast::health)
