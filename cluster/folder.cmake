holdfast_library(cluster
  SOURCES observation roster agreement isolation lease missing operator_book operator_file operator_states pulse quarantine_share roll_leases member
  LINKS holdfast::base holdfast::conf holdfast::redis holdfast::health
  PRIVATE_LINKS fmt::fmt)
