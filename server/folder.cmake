# Parts by themselves, so that their tests need nothing else of the server.
holdfast_library(access_log FOLDER server
  SOURCES access_log access_log_sink
  LINKS holdfast::base)
holdfast_library(drain_step FOLDER server
  SOURCES drain_step
  LINKS holdfast::base)
holdfast_library(failover_watch FOLDER server
  SOURCES failover_watch
  LINKS holdfast::base holdfast::conf holdfast::health holdfast::admin)
holdfast_library(ordered_moves FOLDER server
  SOURCES ordered_moves
  LINKS holdfast::admin holdfast::conf)
holdfast_library(quarantine_share FOLDER server
  SOURCES quarantine_share
  LINKS holdfast::base holdfast::cluster holdfast::proxy holdfast::redis
  PRIVATE_LINKS fmt::fmt)
holdfast_library(upgrade FOLDER server
  SOURCES loop_watch upgrade_words
  LINKS holdfast::base holdfast::sessions)

holdfast_library(server
  SOURCES admin_endpoint backend_control cluster_control counter_sums drains launch limit_watch listen_sockets named_files
    new_process old_process operators password_check quarantine_control reload reloader server service_manager
    session_control silence_watch status_collector upgrade worker workers
  LINKS holdfast::access_log holdfast::drain_step holdfast::failover_watch holdfast::ordered_moves holdfast::quarantine_share holdfast::upgrade
    holdfast::proxy holdfast::admin holdfast::password holdfast::cluster holdfast::health holdfast::sessions holdfast::web holdfast::redis
    holdfast::conf holdfast::tls holdfast::net holdfast::base
  PRIVATE_LINKS fmt::fmt systemd)
target_compile_definitions(holdfast_server PRIVATE HOLDFAST_VERSION="${PROJECT_VERSION}")

add_executable(holdfast server/main.cpp)
target_compile_definitions(holdfast PRIVATE
  HOLDFAST_VERSION="${PROJECT_VERSION}" HOLDFAST_BUILD_TYPE="$<IF:$<CONFIG:>,none,$<CONFIG>>")
target_link_libraries(holdfast PRIVATE holdfast_server fmt::fmt holdfast_warnings)
