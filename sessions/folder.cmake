holdfast_library(sessions
  SOURCES keyring cookie memory_shard memory_store secret redis_text redis_scripts redis_store shared_map
  LINKS holdfast::base holdfast::net
  PRIVATE_LINKS sodium)
