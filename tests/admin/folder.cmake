holdfast_tests(admin NAMES host_rule message metrics overview server status_json summary LINKS
                   holdfast::admin holdfast_fakes OpenSSL::Crypto)
