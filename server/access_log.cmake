# The access log's writer: a part of its own, so that its tests need nothing else of the server.
add_library(holdfast_access_log STATIC server/access_log.cpp server/access_log_sink.cpp)
target_include_directories(holdfast_access_log PUBLIC ${PROJECT_SOURCE_DIR})
target_link_libraries(holdfast_access_log PUBLIC holdfast::base PRIVATE holdfast_warnings)
