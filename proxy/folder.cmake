holdfast_library(proxy
  SOURCES
    access_line
    response_headers
    backend_pool
    balance
    client
    context
    error_page
    exchange
    exchange_response
    exchange_choosing exchange_hung exchange_quarantine exchange_request
    forward_headers
    concurrency_limits
    identity
    send_buffer
    placement
    quarantine
    quarantine_book
    proxy
    retry
    route
    tunnel
  LINKS holdfast::base holdfast::conf holdfast::http holdfast::net holdfast::sessions holdfast::health)
