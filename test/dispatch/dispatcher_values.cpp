#define BOOST_TEST_MODULE dispatcher_values
#include <boost/test/unit_test.hpp>

#include "support/dispatch_stage.hpp"

#include <numeric>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

// Which owner is given which values, parts and messages, and values that become arguments.

BOOST_AUTO_TEST_SUITE(dispatcher_values)

using ids = std::vector<std::uint64_t>;
using words = std::vector<std::string>;
using cancellation = procx::detail::dispatcher::cancellation;

BOOST_AUTO_TEST_CASE(parts_and_messages_come_to_the_owner_of_the_oldest_task) {
  dispatch_stage s({.policy = {.window = 4}});
  owner a(*s.dispatcher, 1, 1000), b(*s.dispatcher);
  a.add(1), b.add(1);
  s.pump();
  auto& w = s.workers[0];
  BOOST_TEST(w.lanes() == (std::vector<std::uint32_t>{0, 1}));
  w.give_parts("one");
  w.give_message(7, "hello");
  w.work(1);
  w.give_message(8, "you");
  w.give_parts("two");
  w.give_parts("three");
  w.work(1);
  w.give_parts("of no task");
  w.give_message(9, "of no task");
  BOOST_TEST(a.sink.log == (words{"parts of 0: one", "message of 0 to 7: hello", "series of 1", "value 0", "progress"}));
  BOOST_TEST(b.sink.log == (words{"message of 0 to 8: you", "parts of 0: two", "parts of 0: three", "series of 1", "value 0",
                                  "progress"}));
}

BOOST_AUTO_TEST_CASE(values_of_one_series_go_each_to_its_own_task) {
  dispatch_stage s({.policy = {.window = 20}});
  owner a(*s.dispatcher, 1, 1000), b(*s.dispatcher, 1, 2000);
  a.add(6), b.add(3);
  a.lane->cancel(2, cancellation::drop);
  s.pump();
  a.sink.take_log();
  auto& w = s.workers[0];
  BOOST_TEST(w.tasks.size() == 8u);
  std::vector<std::pair<std::uint32_t, std::uint64_t>> at_the_worker;
  for (auto const& t : w.tasks) at_the_worker.emplace_back(t.lane, t.id);
  BOOST_CHECK((at_the_worker == decltype(at_the_worker){{0, 0}, {1, 0}, {0, 1}, {1, 1}, {0, 3}, {1, 2}, {0, 4}, {0, 5}}));
  w.finish_series(7);
  BOOST_TEST(a.sink.take_log() == (words{"series of 1", "value 0", "series of 1", "value 1", "series of 1", "value 3",
                                         "series of 1", "value 4"}));
  BOOST_TEST(b.sink.order == (ids{0, 1, 2}));
  w.work_all();
  BOOST_TEST(a.sink.order == (ids{2, 0, 1, 3, 4, 5}));
}

BOOST_AUTO_TEST_CASE(a_series_is_told_in_one_for_each_run_of_tasks) {
  dispatch_stage s({.policy = {.window = 20}});
  owner a(*s.dispatcher);
  a.add(8);
  a.lane->cancel(2, cancellation::drop);
  s.pump();
  a.sink.take_log();
  s.workers[0].finish_series(6);
  BOOST_TEST(a.sink.take_log() ==
             (words{"series of 2", "value 0", "value 1", "series of 4", "value 3", "value 4", "value 5", "value 6"}));
}

BOOST_AUTO_TEST_CASE(values_become_tasks_whose_bytes_are_those_that_a_client_would_write) {
  auto const check = [](auto const&... values) {
    constexpr std::size_t count = sizeof...(values);
    using value = std::common_type_t<std::remove_cvref_t<decltype(values)>...>;
    dispatch_stage s({.policy = {.window = 100}});
    recording_sink sink;
    procx::detail::lane lane(*s.dispatcher, sink);
    std::uint64_t id = 0;
    procx::detail::buffer encoded;
    for (value const& v : {values...}) {
      procx::output_archive arguments = lane.begin_task({});
      procx::detail::save_to_make(arguments, std::tuple<value>(v));  // as `submit` does
      lane.commit_task(id++);
      procx::output_archive result(encoded);
      procx::detail::save_to_make(result, v);  // as a worker does
    }
    lane.add_values(id, {0, encoded.size() / count, count, encoded.data()}, {});
    BOOST_TEST(lane.unfinished() == 2 * count);
    s.pump();
    auto& w = s.workers[0];
    BOOST_TEST(w.tasks.size() == 2 * count);
    for (std::size_t i = 0; i < count; ++i) {
      BOOST_TEST(w.tasks[count + i].id == count + i);
      BOOST_TEST(w.bytes_of(i) == w.bytes_of(count + i));
    }
  };
  check(1, 2, 3);
  check(std::string("so"), std::string("be"));
  check(std::vector<std::string>{"a", "bc"}, std::vector<std::string>{"de", "f"});
  check(std::pair(1, 2.5));
  check(std::tuple());
}

BOOST_AUTO_TEST_CASE(many_values_become_as_many_tasks) {
  dispatch_stage s({.policy = {.window = 100'000, .bytes = 100 << 20}});
  owner a(*s.dispatcher);
  std::vector<std::uint64_t> values(50'000);
  std::iota(values.begin(), values.end(), 0u);
  a.lane->add_values(0, {0, 8, values.size(), reinterpret_cast<std::byte const*>(values.data())}, {});
  s.pump();
  s.workers[0].work_all();
  BOOST_TEST(a.number_of("value") == values.size());
  BOOST_TEST(s.dispatcher->task_bytes() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
