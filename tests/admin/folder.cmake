holdfast_tests(admin NAMES access docs endpoints history json_patch live page quarantine_api metrics operator_api overview reload_api roll_api session_api status_json status_patches summary LINKS
                   holdfast::admin holdfast_fakes OpenSSL::Crypto)
# Views name only what a row is about.
target_compile_options(test_admin PRIVATE -Wno-missing-field-initializers)
# gcc 12 takes what std::regex keeps in a std::function for uninitialised when it looks for that with sanitizers.
target_compile_options(test_admin PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
