holdfast_tests(net NAMES loop tcp LINKS holdfast::net)
