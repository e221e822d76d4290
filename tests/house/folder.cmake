holdfast_tests(house NAMES house events LINKS holdfast::base)
target_sources(test_house PRIVATE tests/house/house_rules.cpp)
