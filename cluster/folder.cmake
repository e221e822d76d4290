holdfast_library(cluster
  SOURCES observation roster agreement isolation leader_lease missing operator_book operator_file operator_states order_codec heartbeat_script heartbeat consensus broadcaster
    roll_leases member
  LINKS holdfast::base holdfast::conf holdfast::redis holdfast::health
  PRIVATE_LINKS fmt::fmt)
