// What an exchange calls may come back to it: it may run maps of its own, start tasks, and wait for others.
#define BOOST_TEST_MODULE reentry
#include "support/observe.hpp"

#include <procx/procx.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <functional>
#include <map>
#include <ranges>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <dlfcn.h>
#include <unistd.h>

namespace px = procx;
using namespace std::chrono_literals;

namespace {

std::atomic<bool> no_process_can_be_had = false;

int square(int n) { return n * n; }

/// The last of each eight takes so long that the results before it are fetched while it runs.
int slowly_in_between(int n) {
  if (n % 8 == 7) std::this_thread::sleep_for(60ms);
  return n + 1000;
}

/// Calls this for whatever is shown to it.
struct told : px::exchange {
  using exchange::exchange;

  std::function<void(told&, px::channel&)> on_data;
  std::function<void(told&)> on_end;
  int depth = 0, deepest = 0;

  void store_data(px::channel& from) override {
    deepest = std::max(deepest, ++depth);
    on_data(*this, from);
    --depth;
  }
  void store_end(px::channel&) override {
    if (on_end) on_end(*this);
  }
  using exchange::index_of;
};

std::string reason_of(px::channel& from) {
  try {
    from.receive<int>();
    return "a value";
  } catch (std::exception const& e) {
    return e.what();
  }
}

}  // namespace

// Instead of the system's, for the library as well.
extern "C" pid_t fork() noexcept {
  if (no_process_can_be_had) {
    errno = ENOMEM;
    return -1;
  }
  static auto* const real = reinterpret_cast<pid_t (*)()>(::dlsym(RTLD_NEXT, "fork"));
  return real();
}

BOOST_FIXTURE_TEST_SUITE(reentry, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(whoever_is_shown_a_value_may_run_a_map_before_taking_it) {
  constexpr int tasks = 32;
  std::map<std::size_t, int> values;
  int maps = 0;
  told ex({.limit = 1, .reuse = true});
  ex.on_data = [&](told& e, px::channel& from) {
    if (maps < 4) {
      ++maps;
      auto const inner = std::views::iota(0, 9);
      for (int r : px::pmap([](int n) { return slowly_in_between(n) - 7000; }, inner, {.workers = 1, .window = 32}))
        BOOST_TEST(r < 0);
    }
    values[e.index_of(from)] = from.receive<int>();
  };
  for (int i = 0; i < tasks; ++i) ex.start(px::make_reusable(slowly_in_between), i);
  ex.finish();
  BOOST_TEST(values.size() == std::size_t{tasks});
  for (auto const& [i, value] : values) BOOST_TEST(value == static_cast<int>(i) + 1000);
}

BOOST_AUTO_TEST_CASE(whoever_is_shown_a_value_may_wait_for_others) {
  constexpr int tasks = 40;
  for (bool const reuse : {false, true}) {
    std::multiset<std::size_t> shown;
    told ex({.limit = 2, .reuse = reuse});
    ex.on_data = [&](told& e, px::channel& from) {
      std::size_t const index = e.index_of(from);
      if (e.depth < 8) e.store();
      if (e.depth == 1) e.wait();
      BOOST_TEST(from.receive<int>() == static_cast<int>(index * index));
      shown.insert(index);
    };
    ex.on_end = [](told&) { BOOST_ERROR("each has given its value"); };
    for (int i = 0; i < tasks; ++i) ex.start(px::make_reusable(square), i);
    ex.finish();
    BOOST_TEST(shown.size() == std::size_t{tasks});
    for (std::size_t i = 0; i < tasks; ++i) BOOST_TEST(shown.count(i) == 1);
    BOOST_TEST(ex.deepest > 1);
  }
}

BOOST_AUTO_TEST_CASE(whoever_is_shown_a_channel_may_take_it_out_and_wait_for_others) {
  int values = 0;
  told ex({.limit = 3});
  std::vector<px::channel> out;
  ex.on_data = [&](told& e, px::channel& from) {
    px::channel mine = e.remove(from);
    for (int i = 0; i < 3; ++i) e.store();
    values += mine.receive<int>();
    out.push_back(std::move(mine));
  };
  for (int i = 0; i < 12; ++i) ex.start(px::make_parallel(square), 1);
  ex.finish();
  BOOST_TEST(values == 12);
  for (px::channel& ch : out) ch.wait();
}

BOOST_AUTO_TEST_CASE(tasks_for_which_no_process_can_be_had_fail_one_after_the_other) {
  for (int const attempts : {1, 20, 100'000}) {
    std::set<std::string> reasons;
    int begun = 1, failed = 0;
    told ex({.limit = 2, .reuse = true});
    ex.on_data = [&](told& e, px::channel& from) {
      ++failed;
      if (begun < attempts) {  // before the reason is asked for: that is still this one's
        ++begun;
        e.start(px::make_reusable(square), 1);
      }
      reasons.insert(reason_of(from));
    };
    no_process_can_be_had = true;
    ex.start(px::make_reusable(square), 1);
    BOOST_TEST(failed == 0);
    ex.finish();
    no_process_can_be_had = false;
    BOOST_TEST(failed == attempts);
    BOOST_TEST(ex.deepest == 1);
    BOOST_REQUIRE(reasons.size() == 1);
    BOOST_TEST(reasons.begin()->find("memory") != std::string::npos, *reasons.begin());
  }
}

BOOST_AUTO_TEST_CASE(so_they_do_on_an_executor) {
  boost::asio::io_context io;
  int failed = 0;
  told ex(io, {.limit = 2, .reuse = true});
  ex.on_data = [&](told& e, px::channel& from) {
    if (++failed < 50) e.start(px::make_reusable(square), 1);
    BOOST_TEST(reason_of(from) != "a value");
  };
  no_process_can_be_had = true;
  ex.start(px::make_reusable(square), 1);
  BOOST_TEST(failed == 0);
  io.run();
  no_process_can_be_had = false;
  BOOST_TEST(failed == 50);
  BOOST_TEST(ex.deepest == 1);
}

/// Starts another task when it is saved.
struct starter {
  static inline told* exchange = nullptr;
  int n = 0;

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    if (Archive::is_saving::value && exchange && n > 0) exchange->start(px::make_reusable(square), n - 1);
    archive & n;
  }
};

BOOST_AUTO_TEST_CASE(an_argument_may_start_a_task_while_it_is_saved) {
  std::map<std::size_t, int> values;
  told ex({.limit = 1, .reuse = true});
  ex.on_data = [&](told& e, px::channel& from) { values[e.index_of(from)] = from.receive<int>(); };
  starter::exchange = &ex;
  for (int i = 1; i <= 3; ++i) ex.start(px::make_reusable([](starter s) { return 100 * s.n; }), starter{i});
  ex.finish();
  starter::exchange = nullptr;
  std::vector<int> const all{0, 100, 1, 200, 4, 300};
  BOOST_REQUIRE(values.size() == all.size());
  for (auto const& [i, value] : values) BOOST_TEST(value == all[i]);
}

BOOST_AUTO_TEST_SUITE_END()
