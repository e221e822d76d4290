holdfast_library(http
  SOURCES scan field_id field_lines list framing connection authority path method h1_request h1_response
          body cookie cookie_date
  LINKS holdfast::base)
