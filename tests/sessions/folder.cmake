holdfast_tests(sessions NAMES keyring cookie move_log memory_store memory_store_threads memory_store_cost redis_text secret
               LINKS holdfast::sessions)
