holdfast_library(proxy
  SOURCES
    access_line
    response_headers
    backend_pool
    balance
    attempt
    backend_h1
    client_h1
    context
    crash_check
    dispatch dispatch_judge
    error_page
    exchange exchange_relay
    forward_headers
    concurrency_limits
    identity
    owned_head
    send_buffer
    placement
    quarantine
    quarantine_book
    proxy
    retry
    route
    tunnel
    upload
  LINKS holdfast::base holdfast::conf holdfast::http holdfast::net holdfast::sessions holdfast::health)
