holdfast_tests(sessions NAMES keyring cookie local_store memory_handover move_log memory_store memory_copies memory_store_threads memory_store_cost order session_usage_counter session_slots redis_admission redis_callbacks redis_ends redis_scripts redis_text redis_uses secret
               LINKS holdfast::sessions holdfast_support holdfast_fakes)
