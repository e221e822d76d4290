holdfast_tests(cluster
  NAMES observation roster agreement isolation leader_lease missing operator_book operator_file replicated_map roll_leases member
  LINKS holdfast::cluster holdfast_lua_redis holdfast_fakes holdfast_support)
# Rows name only what matters to them.
target_compile_options(test_cluster PRIVATE -Wno-missing-field-initializers)
