#define BOOST_TEST_MODULE dispatcher_history
#include <boost/test/unit_test.hpp>

#include "support/dispatcher_history.hpp"

#include <rapidcheck.h>

#include <cstdint>
#include <vector>

BOOST_AUTO_TEST_SUITE(dispatcher_histories)

BOOST_AUTO_TEST_CASE(any_history_gives_every_task_one_end) {
  BOOST_TEST(rc::check([](std::vector<std::uint8_t> const& bytes) { dispatcher_history(bytes).run(); }));
  BOOST_TEST(rc::check([] {
    dispatcher_history(*rc::gen::container<std::vector<std::uint8_t>>(600, rc::gen::arbitrary<std::uint8_t>())).run();
  }));
}

BOOST_AUTO_TEST_SUITE_END()
