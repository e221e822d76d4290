# tests/<folder>/<name>_test.cpp: one program a folder, one ctest each file. With PARTS 2 there are two of each, which
# share its work (environment HOLDFAST_PART=1/2 and 2/2).
add_library(holdfast_test_main OBJECT ${CMAKE_SOURCE_DIR}/tests/main.cpp)
target_link_libraries(holdfast_test_main PRIVATE holdfast_warnings)

function(holdfast_tests folder)
  cmake_parse_arguments(ARG "" "PARTS" "NAMES;LINKS" ${ARGN})
  set(program test_${folder})
  if(HOLDFAST_SANITIZE STREQUAL "thread")
    # These count allocations with an operator new of their own, and TSan's runtime has one.
    list(FILTER ARG_NAMES EXCLUDE REGEX "_cost$")
  endif()
  list(TRANSFORM ARG_NAMES REPLACE "(.+)" "${CMAKE_SOURCE_DIR}/tests/${folder}/\\1_test.cpp" OUTPUT_VARIABLE sources)
  add_executable(${program} ${sources} $<TARGET_OBJECTS:holdfast_test_main>)
  target_include_directories(${program} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${program} PRIVATE holdfast_warnings ${ARG_LINKS})
  if(HOLDFAST_SANITIZE)
    # The product is optimised as far as sanitizers like it; the tests themselves wait or are small, and compile twice as fast.
    target_compile_options(${program} PRIVATE -O0)
  else()
    # gcc 12 takes assigning a literal to a std::string for an overlapping copy when it optimises (GCC bug 105651).
    target_compile_options(${program} PRIVATE -Wno-restrict)
  endif()
  foreach(name ${ARG_NAMES})
    if(ARG_PARTS)
      foreach(part RANGE 1 ${ARG_PARTS})
        holdfast_test(${folder} ${name} ${folder}/${name}-${part})
        set_tests_properties(${folder}/${name}-${part} PROPERTIES ENVIRONMENT HOLDFAST_PART=${part}/${ARG_PARTS})
      endforeach()
    else()
      holdfast_test(${folder} ${name} ${folder}/${name})
    endif()
  endforeach()
endfunction()

function(holdfast_test folder name test)
  add_test(NAME ${test} COMMAND test_${folder} --source-file=*/tests/${folder}/${name}_test.cpp --no-skip --no-intro
           WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${test} PROPERTIES TIMEOUT 600)
endfunction()

# Which folders' tests a build has. Under TSan: those whose tests, or what they test, start threads (tests/house checks
# it). In the release build: those that say something of their own there, about speed, memory and system calls.
if(HOLDFAST_SANITIZE STREQUAL "thread")
  set(tested support net redis sessions ctl server whole)
elseif(HOLDFAST_SANITIZE)
  set(tested house support base http conf net web redis sessions health cluster proxy admin ctl server simulation whole)
else()
  set(tested support whole page)
endif()
foreach(folder ${tested})
  include(tests/${folder}/folder.cmake)
endforeach()
