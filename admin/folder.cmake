find_package(prometheus-cpp CONFIG REQUIRED COMPONENTS core)
holdfast_library(admin
  SOURCES cluster_json connection endpoints host_rule message metrics operator_api overview process router server status_json summary
  LINKS holdfast::base holdfast::http holdfast::net
  PRIVATE_LINKS fmt::fmt prometheus-cpp::core)
