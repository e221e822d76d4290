# A loop and a network without a kernel, for tests of everything that lives on a loop.
add_library(holdfast_fakes STATIC tests/support/fake_loop.cpp tests/support/fake_net.cpp)
target_include_directories(holdfast_fakes PUBLIC ${CMAKE_SOURCE_DIR})
target_link_libraries(holdfast_fakes PUBLIC holdfast::base holdfast::net PRIVATE holdfast_warnings)

# A Redis in memory that runs the product's own scripts, in the Lua that Redis has.
find_library(HOLDFAST_LUA51 lua5.1 REQUIRED)
add_library(holdfast_lua_redis STATIC EXCLUDE_FROM_ALL tests/support/lua_engine.cpp tests/support/lua_redis.cpp tests/support/lua_server.cpp)
target_link_libraries(holdfast_lua_redis PUBLIC holdfast_fakes holdfast::redis PRIVATE holdfast_warnings ${HOLDFAST_LUA51})

# What tests of the whole program are made of: processes, sockets, clients, backends; and the sample app.
add_library(holdfast_wire STATIC tests/support/socket.cpp tests/support/wire.cpp)
target_include_directories(holdfast_wire PUBLIC ${CMAKE_SOURCE_DIR})
target_link_libraries(holdfast_wire PUBLIC holdfast::base PRIVATE holdfast_warnings)

add_library(holdfast_support STATIC
  tests/support/process.cpp tests/support/temp_dir.cpp tests/support/http_client.cpp tests/support/test_backend.cpp
  tests/support/proxy.cpp tests/support/facts.cpp tests/support/redis_server.cpp
  tests/support/certificate.cpp tests/support/mendix_backend.cpp tests/support/mfiles_backend.cpp tests/support/net_namespace.cpp)
target_compile_definitions(holdfast_support PRIVATE
  HOLDFAST_BINARY="${CMAKE_BINARY_DIR}/holdfast" HOLDFAST_SAMPLE_APP="${CMAKE_BINARY_DIR}/holdfast-sample-app")
target_link_libraries(holdfast_support PUBLIC holdfast_wire PRIVATE fmt::fmt holdfast_warnings)

add_library(holdfast_hostile_rows STATIC tests/support/hostile_requests.cpp tests/support/hostile_responses.cpp)
target_include_directories(holdfast_hostile_rows PUBLIC ${CMAKE_SOURCE_DIR})
target_link_libraries(holdfast_hostile_rows PRIVATE holdfast_warnings)

add_executable(holdfast-sample-app
  tests/support/sample_app.cpp tests/support/sample_app_server.cpp tests/support/sample_app_pages.cpp
  tests/support/sample_app_logins.cpp tests/support/sample_app_websocket.cpp)
set_target_properties(holdfast-sample-app PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
target_link_libraries(holdfast-sample-app PRIVATE holdfast_wire holdfast_warnings OpenSSL::Crypto)

if(NOT HOLDFAST_SANITIZE)
  add_library(holdfast_alloc_counter SHARED tests/support/alloc_counter.cpp)
  target_include_directories(holdfast_alloc_counter PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(holdfast_alloc_counter PRIVATE holdfast_warnings)
endif()
holdfast_tests(support NAMES support LINKS holdfast_support)

# Stands in front of a sanitizer's runtime, so it has nothing of one itself.
add_library(holdfast_clock_shim SHARED tests/support/clock_shim.cpp)
target_compile_options(holdfast_clock_shim PRIVATE -fno-sanitize=all)
target_link_options(holdfast_clock_shim PRIVATE -fno-sanitize=all)
target_link_libraries(holdfast_clock_shim PRIVATE holdfast_warnings)
