# The status page in a browser, and Prometheus: with node, Chromium and promtool (packaging/dependencies.txt). With the
# release build only: a browser's patience is not made for sanitizers.
if(HOLDFAST_SANITIZE)
  return()
endif()
find_program(NODE node)
find_program(CHROMIUM chromium)
find_program(PROMTOOL promtool)
if(NODE AND CHROMIUM AND PROMTOOL)
  add_test(NAME page/page COMMAND ${CMAKE_SOURCE_DIR}/tests/page/run ${CMAKE_BINARY_DIR})
  set_tests_properties(page/page PROPERTIES LABELS release TIMEOUT 1500 RUN_SERIAL ON ENVIRONMENT CHROMIUM=${CHROMIUM})
else()
  message(STATUS "page/page is left out: it needs node, chromium and promtool")
endif()
