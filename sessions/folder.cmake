holdfast_library(sessions
  SOURCES keyring cookie memory_shard memory_store secret
  LINKS holdfast::base
  PRIVATE_LINKS sodium)
