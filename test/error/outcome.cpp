#define BOOST_TEST_MODULE outcome
#include <boost/test/unit_test.hpp>

#include <procx/detail/error/outcome_iterator.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

std::exception_ptr failure(char const* what = "no") { return std::make_exception_ptr(std::runtime_error(what)); }

struct no_default {
  explicit no_default(int v) : value(v) {}
  int value;
};

template <class T>
struct giver {
  std::vector<procx::outcome<T>> all;
  std::size_t at = 0;
  procx::outcome<T>* next_outcome() { return at == all.size() ? nullptr : &all[at++]; }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(outcome)

BOOST_AUTO_TEST_CASE(an_outcome_has_a_value_or_an_error) {
  procx::outcome<int> const good(3, 42);
  BOOST_TEST(good.has_value());
  BOOST_TEST(bool(good));
  BOOST_TEST(good.index() == 3u);
  BOOST_TEST(good.value() == 42);
  BOOST_TEST(*good == 42);
  BOOST_TEST(!good.error());
  BOOST_TEST(good.what() == "");

  procx::outcome<int> const bad(4, failure());
  BOOST_TEST(!bad.has_value());
  BOOST_TEST(!bad);
  BOOST_TEST(bad.index() == 4u);
  BOOST_TEST(bool(bad.error()));
  BOOST_TEST(bad.what() == "no");
  BOOST_CHECK_THROW(bad.value(), std::runtime_error);
}

BOOST_AUTO_TEST_CASE(a_value_need_not_be_default_constructible_nor_copyable) {
  procx::outcome<no_default> o(0, no_default(5));
  BOOST_TEST(o->value == 5);
  procx::outcome<std::unique_ptr<int>> p(0, std::make_unique<int>(5));
  std::unique_ptr<int> const taken = std::move(p).value();
  BOOST_TEST(*taken == 5);
  procx::outcome<std::unique_ptr<int>> q(0, std::make_unique<int>(6));
  std::unique_ptr<int> const other = *std::move(q);
  BOOST_TEST(*other == 6);
}

BOOST_AUTO_TEST_CASE(a_value_can_be_changed_in_place) {
  procx::outcome<std::string> o(0, "a");
  o->push_back('b');
  *o += 'c';
  o.value() += 'd';
  BOOST_TEST(*o == "abcd");
}

BOOST_AUTO_TEST_CASE(a_value_that_is_an_exception_pointer_is_still_a_value) {
  procx::outcome<std::vector<std::exception_ptr>> const o(0, std::vector{failure()});
  BOOST_TEST(o.has_value());
  BOOST_TEST(!o.error());
}

BOOST_AUTO_TEST_CASE(what_was_thrown_is_a_sentence_whatever_it_is) {
  BOOST_TEST(procx::message_of(nullptr) == "");
  BOOST_TEST(procx::message_of(failure("x")) == "x");
  BOOST_TEST(procx::message_of(std::make_exception_ptr(5)) == "an exception of unknown type");
}

BOOST_AUTO_TEST_CASE(iterating_over_values_throws_where_there_is_none_and_goes_on_behind_it) {
  giver<int> g{{{0, 1}, {1, failure()}, {2, 3}}};
  procx::detail::outcome_iterator<giver<int>, int, int> i(g);
  BOOST_TEST(*i == 1);
  ++i;
  BOOST_CHECK_THROW(*i, std::runtime_error);
  i++;
  BOOST_TEST(*i == 3);
  BOOST_TEST(bool(i != std::default_sentinel));
  ++i;
  BOOST_TEST(bool(i == std::default_sentinel));
}

BOOST_AUTO_TEST_CASE(iterating_over_outcomes_throws_nothing) {
  giver<int> g{{{0, 1}, {1, failure()}, {2, 3}}};
  std::string seen;
  for (auto const& o : procx::detail::outcome_view<giver<int>, int>(g))
    seen += o ? std::to_string(*o) : o.what();
  BOOST_TEST(seen == "1no3");
}

BOOST_AUTO_TEST_SUITE_END()
