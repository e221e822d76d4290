holdfast_tests(server
  NAMES access_log access_log_cost clock_watch drain_step failover_watch full_watch loop_watch ordered_moves quarantine_share upgrade_words
  LINKS holdfast_access_log holdfast_drain_step holdfast_failover_watch holdfast_ordered_moves holdfast_upgrade holdfast_quarantine_share
    holdfast::admin holdfast_lua_redis holdfast_fakes holdfast_support)
# Rows name only what they are about.
target_compile_options(test_server PRIVATE -Wno-missing-field-initializers)
