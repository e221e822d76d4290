holdfast_tests(web NAMES host_rule message server LINKS holdfast::web holdfast_fakes)
