holdfast_tests(web NAMES host_rule http_client message server LINKS holdfast::web holdfast_fakes)
