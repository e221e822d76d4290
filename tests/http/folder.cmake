holdfast_tests(http
  NAMES scan field_id path authority h1_request h1_response hostile body cookie cookie_date
  LINKS holdfast::http holdfast_hostile_rows)
