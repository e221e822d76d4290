if(NOT TARGET holdfast_hostile_rows)
  add_library(holdfast_hostile_rows STATIC
    ${CMAKE_SOURCE_DIR}/tests/support/hostile_requests.cpp ${CMAKE_SOURCE_DIR}/tests/support/hostile_answers.cpp)
  target_include_directories(holdfast_hostile_rows PUBLIC ${CMAKE_SOURCE_DIR})
  target_link_libraries(holdfast_hostile_rows PRIVATE holdfast_warnings)
endif()
holdfast_tests(http
  NAMES scan field_id path authority h1_request h1_response hostile body cookie cookie_date
  LINKS holdfast::http holdfast_hostile_rows)
