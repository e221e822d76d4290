# What ./dev bench needs besides the proxy itself.
foreach(program floor backend open_loop failover_app failover_users)
  add_executable(bench_${program} bench/${program}.cpp)
  target_include_directories(bench_${program} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(bench_${program} PRIVATE holdfast_warnings)
endforeach()
target_link_libraries(bench_failover_app PRIVATE hiredis)

find_package(benchmark REQUIRED)
add_executable(bench_micro bench/micro.cpp)
target_link_libraries(bench_micro PRIVATE holdfast_warnings holdfast::proxy benchmark::benchmark)

if(HOLDFAST_TESTS)
  add_test(NAME bench/judge COMMAND python3 bench/judge_test.py WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
endif()
