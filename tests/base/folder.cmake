holdfast_tests(base NAMES buffers histogram steady_array text log result LINKS holdfast::base)
# gcc 12 takes the other alternative of a std::variant for read when it optimises (a false positive; ASan sees true ones).
target_compile_options(test_base PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
