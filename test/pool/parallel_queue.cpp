#define BOOST_TEST_MODULE parallel_queue
#include "support/observe.hpp"
#include "support/processes.hpp"

#include <procx/procx.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <unistd.h>

namespace px = procx;
using namespace std::chrono_literals;
using observe::gate;

namespace {

int square(int n) { return n * n; }
std::string text_of(int n) { return std::to_string(n); }

struct no_default {
  explicit no_default(int n) : value(n) {}
  int value;
};
no_default undefaulted(int n) { return no_default(n); }
std::unique_ptr<int> moved(int n) { return std::make_unique<int>(n); }

struct unwritable {
  template <class Archive>
  void serialize(Archive&, unsigned) {
    throw std::range_error("cannot be written");
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(parallel_queue, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(results_come_in_the_order_of_the_tasks_at_any_number_of_workers) {
  for (int const workers : {1, 2, 11}) {
    px::parallel_queue<int> queue({.workers = workers});
    for (int n = 0; n < 1000; ++n) BOOST_TEST(queue.put(square, n) == static_cast<std::uint64_t>(n));
    for (int n = 0; n < 1000; ++n) BOOST_TEST(queue.get() == n * n);
    BOOST_TEST(queue.size() == 0u);
    BOOST_TEST(queue.workers() <= static_cast<std::size_t>(workers));
  }
}

BOOST_AUTO_TEST_CASE(callables_of_all_kinds_and_results_that_become_the_value_type) {
  using item = std::variant<int, std::string>;
  px::parallel_queue<item> queue({.workers = 2});
  int base = 40;
  queue.put(square, 3);
  queue.put(text_of, 7);
  queue.put(px::by_value([base](int n) { return base + n; }), 2);
  queue.put([](std::string const& a, std::string const& b) { return a + b; }, "a", std::string("b"));
  queue.pass("passed");
  queue.put([]() -> item { return 5; });
  BOOST_TEST(std::get<int>(queue.get()) == 9);
  BOOST_TEST(std::get<std::string>(queue.get()) == "7");
  BOOST_TEST(std::get<int>(queue.get()) == 42);
  BOOST_TEST(std::get<std::string>(queue.get()) == "ab");
  BOOST_TEST(std::get<std::string>(queue.get()) == "passed");
  BOOST_TEST(std::get<int>(queue.get()) == 5);
}

BOOST_AUTO_TEST_CASE(results_without_a_default_constructor_or_a_copy) {
  px::parallel_queue<no_default> undefaulted_ones({.workers = 1});
  undefaulted_ones.put(undefaulted, 4);
  undefaulted_ones.pass(no_default(5));
  undefaulted_ones.put(undefaulted, 6);
  undefaulted_ones.stop();
  BOOST_TEST(undefaulted_ones.get().value == 4);
  int next = 5;
  for (no_default const& r : undefaulted_ones) BOOST_TEST(r.value == next++);
  BOOST_TEST(next == 7);

  px::parallel_queue<std::unique_ptr<int>> moved_ones({.workers = 1});
  moved_ones.put(moved, 4);
  moved_ones.put(moved, 5);
  moved_ones.stop();
  BOOST_TEST(*moved_ones.get() == 4);
  for (std::unique_ptr<int> const& r : moved_ones) BOOST_TEST(*r == 5);
}

BOOST_AUTO_TEST_CASE(large_results_and_arguments_keep_their_order_among_small_ones) {
  px::parallel_queue<std::string> queue({.workers = 2});
  auto const twice = [](std::string const& s) { return s + s; };
  std::vector<std::size_t> const sizes{1, 511, 513, 1024, 40'000, 3, 1'000'000, 8, 0, 65'536, 32'768, 2};
  for (int round = 0; round < 5; ++round)
    for (std::size_t const size : sizes) {
      queue.put(twice, std::string(size, 'x'));
      queue.pass(std::string(size, 'p'));
    }
  for (int round = 0; round < 5; ++round)
    for (std::size_t const size : sizes) {
      BOOST_TEST((queue.get() == std::string(2 * size, 'x')));
      BOOST_TEST((queue.get() == std::string(size, 'p')));
    }
}

BOOST_AUTO_TEST_CASE(shared_vectors_come_without_being_copied_and_outlive_the_queue) {
  std::vector<px::shared_vector<int>> kept;
  {
    px::parallel_queue<px::shared_vector<int>> queue({.workers = 2});
    for (int n = 0; n < 10; ++n)
      queue.put([](int value) {
        px::shared_vector<int> v(100'000);
        for (int& x : v) x = value;
        return v;
      }, n);
    for (int n = 0; n < 10; ++n) kept.push_back(queue.get());
  }
  for (int n = 0; n < 10; ++n) BOOST_TEST((kept[static_cast<std::size_t>(n)][99'999] == n));
}

BOOST_AUTO_TEST_CASE(the_callable_of_a_single_task_queue_has_all_that_it_captured) {
  std::map<std::string, int> const numbers{{"one", 1}, {"two", 2}};
  px::parallel_single_task_queue queue([&](std::string const& name) { return numbers.at(name); }, {.workers = 2});
  static_assert(std::is_same_v<decltype(queue)::value_type, int>);
  queue.put("two");
  queue.put(std::string("three"));
  BOOST_TEST(queue.try_put_for(1s, "one"));
  BOOST_TEST(queue.get() == 2);
  BOOST_CHECK_THROW(queue.get(), px::remote_exception);
  BOOST_TEST(queue.get() == 1);

  px::parallel_single_task_queue function(text_of);
  function.put(17);
  BOOST_TEST(function.get() == "17");

  px::parallel_single_task_queue nothing([](int) {});
  nothing.put(1);
  static_assert(std::is_same_v<decltype(nothing.get()), std::monostate>);
  nothing.get();

  auto generic = [](auto a) { return a + a; };
  px::parallel_single_task_queue<decltype(generic), double> doubled(generic);
  doubled.put(1.5);
  doubled.put(4);
  BOOST_TEST(doubled.get() == 3.0);
  BOOST_TEST(doubled.get() == 8.0);
}

BOOST_AUTO_TEST_CASE(iteration_ends_when_the_queue_is_stopped_and_empty) {
  px::parallel_queue<int> queue({.workers = 2});
  std::thread producer([&] {
    for (int n = 0; n < 500; ++n) queue.put(square, n);
    queue.stop();
  });
  int next = 0;
  for (int const r : queue) {
    BOOST_TEST(r == next * next);
    ++next;
  }
  BOOST_TEST(next == 500);
  producer.join();
  for (int const r : queue) BOOST_ERROR("nothing is left, but there is " << r);
  BOOST_CHECK_THROW(queue.get(), px::queue_stopped);
  BOOST_TEST(!queue.try_get());
  BOOST_TEST(!queue.try_get_for(10s));
}

BOOST_AUTO_TEST_CASE(outcomes_are_successes_and_failures_alike_with_the_numbers_of_their_items) {
  px::parallel_queue<int> queue({.workers = 2});
  for (int n = 0; n < 50; ++n) queue.put([](int i) { return i % 5 ? i : throw std::range_error("fifth"); }, n);
  queue.stop();
  std::size_t next = 0;
  for (px::outcome<int> const& o : queue.outcomes()) {
    BOOST_TEST(o.index() == next);
    BOOST_TEST(o.has_value() == (next % 5 != 0));
    if (o) BOOST_TEST(*o == static_cast<int>(next));
    ++next;
  }
  BOOST_TEST(next == 50u);
}

BOOST_AUTO_TEST_CASE(what_can_be_got_at_once_is_and_nothing_is_waited_for) {
  gate held;
  px::parallel_single_task_queue queue([&](int n) { return held.wait(), n; }, {.workers = 1});
  BOOST_TEST(!queue.try_get());
  queue.put(1);
  BOOST_TEST(!queue.try_get());
  BOOST_TEST(!queue.try_get_for(10ms));
  held.open();
  BOOST_TEST(queue.try_get_for(20s).value() == 1);
  BOOST_TEST(!queue.try_get_for(0ms));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_written_or_does_not_fit_has_no_place) {
  px::parallel_queue<int> queue({.workers = 1, .frame_limit = 1000});
  auto const length = [](std::string const& s) { return static_cast<int>(s.size()); };
  BOOST_CHECK_THROW(queue.put([](unwritable) { return 1; }, unwritable()), std::range_error);
  BOOST_CHECK_THROW(queue.put(length, std::string(2000, 'x')), px::protocol_error);
  BOOST_TEST(queue.size() == 0u);
  BOOST_TEST(queue.put(square, 3) == 0u);
  BOOST_CHECK_THROW(queue.put(length, std::string(993, 'x')), px::protocol_error);  // with the 8 bytes of its length
  BOOST_TEST(queue.put(length, std::string(992, 'x')) == 1u);
  BOOST_TEST(queue.get() == 9);
  BOOST_TEST(queue.get() == 992);
}

BOOST_AUTO_TEST_CASE(setup_and_teardown_are_run_in_each_worker) {
  static int number = 0;
  processes::own_pipe torn_down;
  px::parallel_queue<int> queue({.workers = 2,
                                 .setup = [] { number = 42; },
                                 .teardown = [&] { (void)!::write(torn_down.write.get(), "x", 1); }});
  for (int i = 0; i < 10; ++i) queue.put([] { return number; });
  for (int i = 0; i < 10; ++i) BOOST_TEST(queue.get() == 42);
  BOOST_TEST(number == 0);
  queue.stop();
  queue.join();
  BOOST_TEST(processes::readable(torn_down.read.get(), 0ms));
}

BOOST_AUTO_TEST_CASE(a_worker_may_have_a_queue_of_its_own) {
  px::parallel_queue<int> queue({.workers = 2});
  auto const nested = [] {
    px::parallel_queue<int> inner({.workers = 2});
    for (int n = 0; n < 10; ++n) inner.put(square, n);
    inner.stop();
    int sum = 0;
    for (int const r : inner) sum += r;
    return sum;
  };
  queue.put(nested);
  queue.put(nested);
  BOOST_TEST(queue.get() == 285);
  BOOST_TEST(queue.get() == 285);
}

BOOST_AUTO_TEST_CASE(a_copy_in_a_child_of_the_users_own_refuses_and_harms_nobody) {
  auto queue = std::make_unique<px::parallel_queue<pid_t>>(px::parallel_queue_options{.workers = 1});
  auto const who = [] { return ::getpid(); };
  queue->put(who);
  pid_t const worker = queue->get();
  BOOST_TEST(processes::code_of_fork([&] {
    try {
      queue->put(who);
      return 1;
    } catch (px::error const& e) {
      CHILD_CHECK(e.code() == px::errc::foreign_process);
    }
    queue->stop();
    queue.reset();
    return 0;
  }) == 0);
  queue->put(who);
  BOOST_TEST(queue->get() == worker);
}

BOOST_AUTO_TEST_SUITE_END()
