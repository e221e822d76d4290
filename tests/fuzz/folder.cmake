# Every <name>_fuzz.cpp here becomes the libFuzzer program fuzz_<name>; what it starts from is in corpus/<name>/.
#   fuzz_<name> -max_total_time=60 NEW_FINDS_DIRECTORY tests/fuzz/corpus/<name>
# New finds go to the first directory; the corpus in the tree stays small and hand-made.
add_custom_target(fuzzers)  # and what they link, not the rest of the house
file(GLOB fuzz_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/*_fuzz.cpp)
foreach(source ${fuzz_sources})
  get_filename_component(name ${source} NAME_WE)
  string(REGEX REPLACE "_fuzz$" "" name ${name})
  add_executable(fuzz_${name} ${source})
  target_include_directories(fuzz_${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  target_link_libraries(fuzz_${name} PRIVATE
    holdfast_warnings holdfast::base holdfast::http holdfast::conf holdfast::redis holdfast::sessions)
  add_dependencies(fuzzers fuzz_${name})
endforeach()
