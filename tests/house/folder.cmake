holdfast_tests(house NAMES house events words prose dev LINKS holdfast::base)
target_sources(test_house PRIVATE tests/house/tree.cpp tests/house/house_rules.cpp tests/house/link_rules.cpp tests/house/word_rules.cpp
                                  tests/house/prose_rules.cpp)
