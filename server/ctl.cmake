# holdfastctl: a client of the admin API. It needs nothing of the proxy but the words of HTTP and TLS.
add_library(holdfast_ctl STATIC server/ctl_child.cpp server/ctl_client.cpp server/ctl_stream.cpp server/ctl_text.cpp server/ctl_command.cpp server/ctl_drain.cpp server/ctl_order.cpp server/ctl_passwd.cpp server/ctl_quarantine.cpp server/ctl_reload.cpp server/ctl_roll.cpp server/ctl_sessions.cpp
  server/ctl_status.cpp)
target_include_directories(holdfast_ctl PUBLIC ${PROJECT_SOURCE_DIR})
target_link_libraries(holdfast_ctl PUBLIC holdfast::base holdfast::http holdfast_password PRIVATE holdfast_tls fmt::fmt holdfast_warnings)
target_compile_definitions(holdfast_ctl PRIVATE
  HOLDFAST_VERSION="${PROJECT_VERSION}" HOLDFAST_BUILD_TYPE="$<IF:$<CONFIG:>,none,$<CONFIG>>")

add_executable(holdfastctl server/ctl.cpp)
target_link_libraries(holdfastctl PRIVATE holdfast_ctl holdfast_warnings)
