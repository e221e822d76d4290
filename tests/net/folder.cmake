holdfast_tests(
    net NAMES loop tcp tls channel resolver LINKS holdfast::net holdfast::tls holdfast_fakes holdfast_support Threads::Threads)
