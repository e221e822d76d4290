# The real program, driven from outside. In the release build only those that say something of their own there: about
# speed, memory, system calls, allocations. They have the machine to themselves.
set(measured failover adversity hung overload resources streaming)
if(HOLDFAST_SANITIZE)
  set(names start_stop admin_tls reload upgrade service forwarding hostile sticky first_binding shared_sessions
    session_end session_caps redis_outage cluster cluster_health quarantine retry limits ntlm health_api mendix mfiles
    maintenance request_id drain roll commands ${measured})
else()
  set(names ${measured})
endif()
holdfast_tests(whole NAMES ${names} LINKS holdfast_support holdfast_hostile_rows)
add_dependencies(test_whole holdfast holdfastctl holdfast-sample-app holdfast_clock_shim)
if(TARGET holdfast_alloc_counter)
  add_dependencies(test_whole holdfast_alloc_counter)
endif()
target_compile_definitions(test_whole PRIVATE
  HOLDFAST_ALLOC_COUNTER="${CMAKE_BINARY_DIR}/libholdfast_alloc_counter.so")
if(HOLDFAST_SANITIZE)
  # The longest begin first, or they would end alone.
  set_tests_properties(whole/cluster_health whole/roll whole/redis_outage whole/quarantine whole/session_end whole/streaming
    PROPERTIES COST 20)
else()
  list(TRANSFORM measured PREPEND whole/)
  set_tests_properties(${measured} PROPERTIES RUN_SERIAL ON)
endif()
