holdfast_tests(health
  NAMES silence rise_fall outlier suspicion verdict backend_events probe_plan expect m2ee http_probe pool_state monitor monitor_cluster app_health ejection reload
  LINKS holdfast::health holdfast::conf holdfast_fakes)
# Rows name only the settings that matter; the others keep their defaults on purpose.
target_compile_options(test_health PRIVATE -Wno-missing-field-initializers)
