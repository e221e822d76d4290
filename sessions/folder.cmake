holdfast_library(sessions
  SOURCES keyring cookie memory_shard memory_store secret redis_text redis_scripts hearing receipts redis_store shared_map places local_store memory_handover memory_census memory_registry move_log redis_registry
  LINKS holdfast::base holdfast::conf holdfast::redis
  PRIVATE_LINKS sodium)
