# holdfastctl: a client of the admin API. It needs nothing of the proxy but the words of HTTP and TLS.
holdfast_library(ctl
  SOURCES child client command drain order passwd quarantine reload roll sessions status stream text
  LINKS holdfast::base holdfast::conf holdfast::http holdfast::password
  PRIVATE_LINKS holdfast::tls fmt::fmt)
target_compile_definitions(holdfast_ctl PRIVATE
  HOLDFAST_VERSION="${PROJECT_VERSION}" HOLDFAST_BUILD_TYPE="$<IF:$<CONFIG:>,none,$<CONFIG>>")

add_executable(holdfastctl ctl/main.cpp)
target_link_libraries(holdfastctl PRIVATE holdfast_ctl holdfast_warnings)
