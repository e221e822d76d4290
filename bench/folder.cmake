# What ./dev bench needs besides the proxy itself.
foreach(program floor backend open_loop)
  if(EXISTS ${CMAKE_SOURCE_DIR}/bench/${program}.cpp)
    add_executable(bench_${program} bench/${program}.cpp)
    target_link_libraries(bench_${program} PRIVATE holdfast_warnings)
  endif()
endforeach()
