holdfast_library(sessions
  SOURCES keyring cookie secret memory_shard memory_store memory_handover memory_registry local_store id_text order session_slots
          session_usage_counter move_log redis_text lua_scripts redis_scripts copy_lease acks open_questions
          redis_admission redis_ends redis_learned redis_uses redis_store redis_registry shared_map
  LINKS holdfast::base holdfast::conf holdfast::redis
  PRIVATE_LINKS sodium)
