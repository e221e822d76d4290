holdfast_tests(cluster
  NAMES observation roster agreement isolation leader_lease missing operator_book operator_file roll_leases member
  LINKS holdfast::cluster holdfast_lua_redis holdfast_fakes holdfast_support)
target_sources(test_cluster PRIVATE tests/cluster/lua_server.cpp)
# Rows name only what matters to them.
target_compile_options(test_cluster PRIVATE -Wno-missing-field-initializers)
