#define BOOST_TEST_MODULE plugin
#include "support/processes.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdio>

#include <dlfcn.h>

using namespace processes;

BOOST_AUTO_TEST_SUITE(a_plugin_with_procx_inside)

BOOST_AUTO_TEST_CASE(has_pools_and_maps_and_can_be_closed) {
  BOOST_TEST(code_of_fork([] {
    void* const plugin = ::dlopen(PROCX_TEST_SUPPORT "/libplugin.so", RTLD_NOW | RTLD_LOCAL);
    if (!plugin) std::fprintf(stderr, "%s\n", ::dlerror());
    CHILD_CHECK(plugin);
    auto const call = [&](char const* name, int n) { return reinterpret_cast<int (*)(int)>(::dlsym(plugin, name))(n); };
    CHILD_CHECK(call("twice_in_pool", 21) == 42);
    CHILD_CHECK(call("sum_of_map", 10) == 20);
    return ::dlclose(plugin);
  }) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
