#define BOOST_TEST_MODULE call_ledger
#include <boost/test/unit_test.hpp>

#include "daemon/call_ledger.hpp"

#include "support/bytes.hpp"

#include <procx/error/exceptions.hpp>

#include <algorithm>

using procx::detail::call_ledger;
using arrival = call_ledger::arrival;

BOOST_AUTO_TEST_SUITE(ledger)

BOOST_AUTO_TEST_CASE(numbers_count_up_and_none_is_used_twice) {
  call_ledger l(false);
  BOOST_TEST(bool(l.add(1) == arrival::fresh));
  BOOST_TEST(bool(l.add(5) == arrival::fresh));
  for (std::uint64_t const wrong : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{5}, std::uint64_t{3}, call_ledger::largest + 1})
    BOOST_CHECK_THROW(l.add(wrong), procx::protocol_error);
  BOOST_TEST(bool(l.add(call_ledger::largest) == arrival::fresh));
}

BOOST_AUTO_TEST_CASE(without_a_session_that_is_kept_no_answer_is) {
  call_ledger l(false);
  l.add(1);
  l.answered(1, raw({1, 2, 3}));
  BOOST_TEST(l.answers() == 0u);
  BOOST_TEST(l.answer_bytes() == 0u);
}

BOOST_AUTO_TEST_CASE(a_call_that_comes_again_gets_the_first_answer_until_that_is_acknowledged) {
  call_ledger l(true);
  BOOST_TEST(bool(l.add(1) == arrival::fresh));
  BOOST_TEST(bool(l.add(2) == arrival::fresh));
  BOOST_TEST(bool(l.add(1) == arrival::running));
  l.answered(1, raw({1, 2, 3}));
  BOOST_TEST(bool(l.add(1) == arrival::answered));
  BOOST_TEST(std::ranges::equal(l.answer(1), raw({1, 2, 3})));
  BOOST_TEST(l.answer_bytes() == 3u);
  BOOST_TEST(bool(l.add(2) == arrival::running));
  l.acknowledged(1);
  l.acknowledged(1);  // again, by a client that has not heard of the first time
  l.acknowledged(99);
  BOOST_TEST(bool(l.add(1) == arrival::gone));
  BOOST_TEST(l.answer_bytes() == 0u);
  BOOST_TEST(bool(l.add(3) == arrival::fresh));
}

BOOST_AUTO_TEST_CASE(on_another_connection_an_answer_is_sent_to_who_asks_for_it_again) {
  call_ledger l(true);
  for (std::uint64_t const id : {1, 2, 3}) l.add(id);
  BOOST_TEST(l.answered(1, raw({1})));
  l.resume();
  BOOST_TEST(!l.answered(2, raw({2})));
  BOOST_TEST(bool(l.add(3) == arrival::running));
  BOOST_TEST(l.answered(3, raw({3})));
  BOOST_TEST(bool(l.add(2) == arrival::answered));
}

BOOST_AUTO_TEST_CASE(an_answer_counts_once) {
  call_ledger l(true);
  l.add(1);
  l.answered(1, raw({1}));
  l.answered(1, raw({2, 2}));
  l.answered(7, raw({7}));  // nobody has called that
  BOOST_TEST(l.answers() == 1u);
  BOOST_TEST(l.answer_bytes() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
