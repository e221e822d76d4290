# The status page in a browser, and Prometheus: with node, Chromium and promtool (packaging/dependencies.txt). With the
# release build only: a browser's patience is not made for sanitizers. What is missing on this machine fails the test
# that needs it, by name. Each file is a test of its own, the longest first: CTest keeps all cores busy to the end.
if(HOLDFAST_SANITIZE)
  return()
endif()
add_test(NAME page/packages COMMAND ${CMAKE_SOURCE_DIR}/tests/page/packages)
set_tests_properties(page/packages PROPERTIES LABELS release TIMEOUT 180 FIXTURES_SETUP page_packages)
set(cost 8)
foreach(name page words metrics many link drain users api)
  add_test(NAME page/${name} COMMAND ${CMAKE_SOURCE_DIR}/tests/page/run ${CMAKE_BINARY_DIR} ${name})
  set_tests_properties(page/${name} PROPERTIES LABELS release TIMEOUT 1500 COST ${cost} FIXTURES_REQUIRED page_packages)
  math(EXPR cost "${cost} - 1")
endforeach()
