holdfast_library(sessions
  SOURCES keyring cookie memory_shard memory_store secret redis_text redis_scripts copy_lease acks redis_store shared_map session_slots local_store memory_handover session_usage_counter memory_registry move_log redis_registry
  LINKS holdfast::base holdfast::conf holdfast::redis
  PRIVATE_LINKS sodium)
