find_package(prometheus-cpp CONFIG REQUIRED COMPONENTS core)
# Passwords and tokens: for the listener, and for holdfastctl, which needs nothing else of it.
holdfast_library(password FOLDER admin
  SOURCES password
  LINKS holdfast::base
  PRIVATE_LINKS sodium)

holdfast_library(admin
  SOURCES access cluster_json endpoints history json_patch live logins metrics operator_api overview page process quarantine_api reload_api roll_api
    session_api status_json status_patches summary timeline
  LINKS holdfast::base holdfast::conf holdfast::http holdfast::web holdfast::health holdfast::sessions holdfast::password
  PRIVATE_LINKS fmt::fmt prometheus-cpp::core sodium)

# The status page is part of the program: its parts, as they stand in admin/page/, become a source file.
set(page_scripts text dom charts feed curves verdict backends drain quarantine proxies timeline sessions actions main)
list(TRANSFORM page_scripts REPLACE "(.+)" "${CMAKE_SOURCE_DIR}/admin/page/\\1.js" OUTPUT_VARIABLE page_script_files)
list(JOIN page_scripts "," page_script_names)
add_custom_command(
  OUTPUT ${CMAKE_BINARY_DIR}/admin_page_source.cpp
  COMMAND ${CMAKE_COMMAND} -DOUT=${CMAKE_BINARY_DIR}/admin_page_source.cpp -DFOLDER=${CMAKE_SOURCE_DIR}/admin/page
          -DSCRIPTS=${page_script_names} -P ${CMAKE_SOURCE_DIR}/admin/page/embed.cmake
  DEPENDS admin/openapi.json admin/page/embed.cmake admin/page/index.html admin/page/style.css ${page_script_files}
  VERBATIM)
target_sources(holdfast_admin PRIVATE ${CMAKE_BINARY_DIR}/admin_page_source.cpp)
