# What ./dev bench needs besides the proxy itself.
foreach(program floor backend open_loop)
  add_executable(bench_${program} bench/${program}.cpp)
  target_link_libraries(bench_${program} PRIVATE holdfast_warnings)
endforeach()

find_package(benchmark REQUIRED)
add_executable(bench_micro bench/micro.cpp)
target_link_libraries(bench_micro PRIVATE holdfast_warnings holdfast::proxy benchmark::benchmark)
