holdfast_tests(server
  NAMES access_log ctl
  LINKS holdfast_access_log holdfast_ctl holdfast::admin holdfast_support)
