#define BOOST_TEST_MODULE notes
#include "local/board.hpp"
#include "support/observe.hpp"

#include <procx/procx.hpp>

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <future>
#include <string>
#include <vector>

#include <unistd.h>

// What a task writes by mistake over the words by which its worker tells the parent how far it is.

namespace px = procx;
using namespace std::chrono_literals;
using px::detail::board_slot;

namespace {

/// In a worker of a pool with one: the words, in memory that it shares with the parent.
board_slot* own_words() {
  std::size_t const size = (sizeof(board_slot) + 4095) / 4096 * 4096;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    unsigned long from = 0, to = 0;
    if (line.find("rw-s") == line.npos || std::sscanf(line.c_str(), "%lx-%lx", &from, &to) != 2) continue;
    if (to - from == size) return reinterpret_cast<board_slot*>(from);
  }
  ::_exit(77);
}

using scribble = void (*)(board_slot&);

scribble const scribbles[] = {
    [](board_slot& s) { s.claim_word = 0; },
    [](board_slot& s) { s.claim_word = ~std::uint64_t{0}; },
    [](board_slot& s) { s.claim_word += 1'000'000; },
    [](board_slot& s) { s.claim_word += std::uint64_t{1} << 48; },
    [](board_slot& s) { s.returned = ~std::uint64_t{0} - 1; },
    [](board_slot& s) { s.returned = s.returned + 5'000'000; },
};

int scribble_and_stay(int which) {
  scribbles[which](*own_words());
  for (;;) ::pause();
}

int scribble_over_the_measurements(int n) {
  board_slot& words = *own_words();
  words.busy_ns = ~std::uint64_t{0} - static_cast<std::uint64_t>(n);
  words.done = 0;
  words.baseline = ~std::uint64_t{0};
  words.credit = ~std::uint32_t{0};
  return n;
}

int twice(int n) { return 2 * n; }

}  // namespace

BOOST_FIXTURE_TEST_SUITE(notes, observe::leaves_nothing)

BOOST_DATA_TEST_CASE(a_task_that_writes_over_what_its_worker_notes_fails_alone, boost::unit_test::data::xrange(std::size(scribbles)),
                     which) {
  px::process_pool pool({.workers = 1});
  BOOST_TEST(pool.submit(twice, 1).get() == 2);
  auto bad = pool.submit(scribble_and_stay, static_cast<int>(which));
  std::vector<std::future<int>> others;
  for (int i = 0; i < 50; ++i) others.push_back(pool.submit(twice, i));
  BOOST_REQUIRE(bad.wait_for(60s) == std::future_status::ready);
  BOOST_CHECK_THROW(bad.get(), px::protocol_error);
  for (int i = 0; i < 50; ++i) {
    BOOST_REQUIRE(others[static_cast<std::size_t>(i)].wait_for(60s) == std::future_status::ready);
    BOOST_TEST(others[static_cast<std::size_t>(i)].get() == 2 * i);
  }
}

BOOST_AUTO_TEST_CASE(what_is_noted_for_measurements_does_no_harm_whatever_it_is) {
  px::process_pool pool({.workers = 1, .memory_limit = std::size_t{1} << 30});
  std::vector<std::future<int>> all;
  for (int i = 0; i < 200; ++i) all.push_back(pool.submit(scribble_over_the_measurements, i));
  for (int i = 0; i < 200; ++i) {
    BOOST_REQUIRE(all[static_cast<std::size_t>(i)].wait_for(60s) == std::future_status::ready);
    BOOST_TEST(all[static_cast<std::size_t>(i)].get() == i);
  }
}

BOOST_AUTO_TEST_SUITE_END()
