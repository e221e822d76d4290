holdfast_tests(ctl NAMES command drain quarantine reload roll LINKS holdfast::ctl holdfast::admin holdfast_fakes holdfast_support)
# Rows name only what they are about.
target_compile_options(test_ctl PRIVATE -Wno-missing-field-initializers)
