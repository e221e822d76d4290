include(server/access_log.cmake)
include(server/ctl.cmake)

# Apart from the rest, so that its tests need none of it.
add_library(holdfast_failover_watch STATIC server/failover_watch.cpp)
target_include_directories(holdfast_failover_watch PUBLIC ${PROJECT_SOURCE_DIR})
target_link_libraries(holdfast_failover_watch PUBLIC holdfast::conf holdfast::base PRIVATE holdfast_warnings)

add_library(holdfast_drain_step STATIC server/drain_step.cpp)
target_include_directories(holdfast_drain_step PUBLIC ${PROJECT_SOURCE_DIR})
target_link_libraries(holdfast_drain_step PUBLIC holdfast::base PRIVATE holdfast_warnings)

add_library(holdfast_ordered_moves STATIC server/ordered_moves.cpp)
target_include_directories(holdfast_ordered_moves PUBLIC ${PROJECT_SOURCE_DIR})
target_link_libraries(holdfast_ordered_moves PUBLIC holdfast::admin holdfast::conf PRIVATE holdfast_warnings)

add_library(holdfast_upgrade STATIC server/loop_watch.cpp server/upgrade_words.cpp)
target_include_directories(holdfast_upgrade PUBLIC ${PROJECT_SOURCE_DIR})
target_link_libraries(holdfast_upgrade PUBLIC holdfast::sessions holdfast::base PRIVATE holdfast_warnings)

add_library(holdfast_server STATIC server/cluster_control.cpp server/drains.cpp server/launch.cpp server/named_files.cpp server/password_check.cpp server/poison_control.cpp server/predecessor.cpp server/reload.cpp server/reloader.cpp server/server.cpp
  server/service_manager.cpp server/session_control.cpp server/silence_watch.cpp server/status.cpp server/successor.cpp server/upgrade.cpp server/worker.cpp)
target_include_directories(holdfast_server PUBLIC ${PROJECT_SOURCE_DIR})
target_compile_definitions(holdfast_server PRIVATE HOLDFAST_VERSION="${PROJECT_VERSION}")
target_link_libraries(holdfast_server PUBLIC holdfast_access_log holdfast_drain_step holdfast_failover_watch holdfast_ordered_moves holdfast_upgrade holdfast::proxy holdfast::admin holdfast::cluster holdfast::health
  holdfast::sessions holdfast::conf holdfast::net holdfast::http holdfast::base PRIVATE fmt::fmt systemd holdfast_warnings)

add_executable(holdfast server/main.cpp)
target_compile_definitions(holdfast PRIVATE
  HOLDFAST_VERSION="${PROJECT_VERSION}" HOLDFAST_BUILD_TYPE="$<IF:$<CONFIG:>,none,$<CONFIG>>")
target_link_libraries(holdfast PRIVATE holdfast_server fmt::fmt holdfast_warnings)
