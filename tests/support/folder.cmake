# A loop and a network without a kernel, for tests of everything that lives on a loop.
add_library(holdfast_fakes STATIC tests/support/fake_loop.cpp tests/support/fake_net.cpp)
target_include_directories(holdfast_fakes PUBLIC ${CMAKE_SOURCE_DIR})
target_link_libraries(holdfast_fakes PUBLIC holdfast::base holdfast::net PRIVATE holdfast_warnings)
