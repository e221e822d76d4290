holdfast_tests(
    net NAMES loop tcp tls channel resp resolver redis_handshake redis_link redis_link_fake redis_calls redis_subscription
        redis_sentinel LINKS holdfast::net holdfast_fakes holdfast_support Threads::Threads)
