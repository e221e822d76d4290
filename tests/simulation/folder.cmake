# The real cluster/ and sessions/ on a simulated network, with chance from one seed: many seeds, each some minutes of
# several proxies' lives.
add_library(holdfast_simulation STATIC tests/simulation/world.cpp tests/simulation/sim_link.cpp)
target_link_libraries(holdfast_simulation PUBLIC holdfast_lua_redis holdfast_fakes PRIVATE holdfast_warnings)
holdfast_tests(simulation NAMES cluster sessions PARTS 2
  LINKS holdfast_simulation holdfast::proxy holdfast::cluster holdfast_support)
set_tests_properties(simulation/cluster-1 simulation/cluster-2 simulation/sessions-1 simulation/sessions-2
  PROPERTIES TIMEOUT 1200 COST 60)
