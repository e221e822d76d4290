find_package(prometheus-cpp CONFIG REQUIRED COMPONENTS core)
holdfast_library(admin
  SOURCES cluster_json connection endpoints guard host_rule message metrics operator_api overview process reload_api router server session_api status_json summary
  LINKS holdfast::base holdfast::http holdfast::net holdfast::sessions
  PRIVATE_LINKS fmt::fmt prometheus-cpp::core)
