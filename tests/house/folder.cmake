holdfast_tests(house NAMES house LINKS holdfast::base)
target_sources(test_house PRIVATE tests/house/house_rules.cpp)
