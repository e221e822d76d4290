holdfast_tests(proxy
  NAMES
    access_line
    answer_headers
    backend_pool
    balance
    error_page
    exchange
    placement
    reload
    troubles
    forward_headers
    gates
    identity
    retry
    route
    trace
  LINKS holdfast::proxy holdfast_fakes)
