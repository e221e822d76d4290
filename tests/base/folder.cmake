holdfast_tests(base NAMES text log result LINKS holdfast::base)
