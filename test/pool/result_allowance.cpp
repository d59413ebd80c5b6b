#define BOOST_TEST_MODULE result_allowance
#include "pool/result_allowance.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <ostream>

using procx::detail::result_allowance;

namespace {

constexpr std::size_t no_limit = ~std::size_t{0};

struct row {
  std::size_t each;       // bytes of a result
  std::size_t kept;       // bytes
  std::size_t under_way;  // tasks
  std::size_t most;       // bytes
  std::size_t more;       // tasks
};
std::ostream& operator<<(std::ostream& out, row const& r) {
  return out << r.each << " bytes each, " << r.kept << " kept, " << r.under_way << " under way, at most " << r.most;
}
constexpr row table[] = {
    {0, 1000, 50, 100, no_limit},  // results without bytes
    {100, 0, 0, 1000, 10},
    {100, 500, 0, 1000, 5},
    {100, 500, 3, 1000, 2},
    {100, 500, 5, 1000, 0},
    {100, 500, 50, 1000, 0},
    {100, 1000, 0, 1000, 0},       // full
    {100, 5000, 0, 1000, 0},       // more than full
    {5000, 0, 0, 1000, 1},         // one alone, whatever it takes
    {5000, 0, 1, 1000, 0},
    {5000, 1, 0, 1000, 0},
    {1, 0, 0, no_limit / 2, 1'000'000'000},
};

result_allowance measured(std::size_t each) {
  result_allowance a;
  a.count(4, 4 * each);
  a.measure();
  return a;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(allowance)

BOOST_DATA_TEST_CASE(so_many_tasks_may_be_begun, boost::unit_test::data::make(table), r) {
  BOOST_TEST(measured(r.each).more(r.kept, r.under_way, r.most) == r.more);
}

BOOST_AUTO_TEST_CASE(some_tasks_are_always_allowed_while_there_is_any_room) {
  result_allowance a(4);
  a.count(1, 5000);
  a.measure();
  BOOST_TEST(a.more(0, 0, 1000) == 4u);
  BOOST_TEST(a.more(999, 1, 1000) == 3u);
  BOOST_TEST(a.more(999, 4, 1000) == 0u);
  BOOST_TEST(a.more(1000, 0, 1000) == 0u);
  BOOST_TEST(a.more(0, 0, 100'000) == 20u);
}

BOOST_AUTO_TEST_CASE(nothing_is_limited_before_a_result_has_come) {
  result_allowance a;
  BOOST_TEST(a.is_unlimited());
  BOOST_TEST(a.more(1'000'000, 1000, 10) == no_limit);
  a.measure();
  BOOST_TEST(a.is_unlimited());
  a.count(1, 100);
  BOOST_TEST(a.is_unlimited());  // until it is measured
  a.measure();
  BOOST_TEST(!a.is_unlimited());
}

BOOST_AUTO_TEST_CASE(the_average_moves_by_a_quarter_with_each_measurement) {
  result_allowance a = measured(100);
  a.count(1000, 1000 * 500);
  a.measure();
  BOOST_TEST(a.more(0, 0, 20'000) == 100u);  // of 200 bytes
  a.measure();                               // of nothing: as before
  BOOST_TEST(a.more(0, 0, 20'000) == 100u);
  a.count(1, 0);
  a.measure();
  BOOST_TEST(a.more(0, 0, 15'000) == 100u);  // of 150 bytes
}

BOOST_AUTO_TEST_SUITE_END()
