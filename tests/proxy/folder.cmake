holdfast_tests(proxy
  NAMES
    access_line
    answer_headers
    balance
    error_page
    forward_headers
    identity
    retry
    route
  LINKS holdfast::proxy)
