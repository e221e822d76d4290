holdfast_tests(house NAMES house events sizes words LINKS holdfast::base)
target_sources(test_house PRIVATE tests/house/tree.cpp tests/house/house_rules.cpp tests/house/link_rules.cpp tests/house/word_rules.cpp tests/house/size_rules.cpp tests/house/code_text.cpp)
