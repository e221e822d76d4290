# The real program, driven from outside. Those labelled "release" say something of their own in a release build: speed,
# memory, system calls, allocations.
holdfast_tests(whole
  NAMES start_stop admin_tls reload upgrade service forwarding streaming hostile sticky failover first_binding shared_sessions session_end session_caps redis_outage cluster cluster_health hung poison retry limits overload ntlm health_api mendix mfiles maintenance request_id drain roll commands adversity resources
  LINKS holdfast_support holdfast_hostile_rows)
add_dependencies(test_whole holdfast-sample-app)
if(TARGET holdfast)
  add_dependencies(test_whole holdfast holdfastctl holdfast_clock_shim)
endif()
if(TARGET holdfast_alloc_counter)
  add_dependencies(test_whole holdfast_alloc_counter)
endif()
target_compile_definitions(test_whole PRIVATE
  HOLDFAST_ALLOC_COUNTER="${CMAKE_BINARY_DIR}/libholdfast_alloc_counter.so")
set_tests_properties(whole/failover whole/adversity whole/hung whole/overload whole/resources whole/streaming PROPERTIES LABELS release RUN_SERIAL ON)
