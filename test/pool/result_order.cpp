#define BOOST_TEST_MODULE result_order
#include "pool/result_order.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <numeric>
#include <random>
#include <span>
#include <vector>

using namespace procx::detail;

namespace {

/// The outcome of item `n`: every seventh one is held, the others are some bytes that tell the number.
void add(result_order& results, std::uint64_t n) {
  if (n % 7 == 6) {
    auto held = std::make_unique<held_result>();
    held->block_bytes = static_cast<std::size_t>(n);
    results.add(n, std::move(held));
  } else {
    std::vector<std::uint64_t> const words(1 + n % 5, n);
    results.add(n, std::as_bytes(std::span(words)));
  }
}

using value = std::span<std::byte const>;
using held = std::unique_ptr<held_result>;

/// Calls one of these for each outcome, in their order.
void take_all(result_chunk& chunk, std::function<void(value)> const& on_value, std::function<void(held)> const& on_held) {
  while (auto const s = chunk.next())
    for (std::size_t i = 0; i < s->count; ++i)
      if (s->is_held())
        on_held(chunk.next_held());
      else
        on_value({s->at + i * s->length, s->length});
}

bool is_of(value v, std::uint64_t n) {
  std::vector<std::uint64_t> const words(1 + n % 5, n);
  return n % 7 != 6 && std::ranges::equal(v, std::as_bytes(std::span(words)));
}
bool is_of(held const& h, std::uint64_t n) { return n % 7 == 6 && h->block_bytes == n; }

/// Takes all that can leave; the number of the next one.
std::uint64_t take(result_order& results, std::uint64_t next, bool& good) {
  result_chunk chunk;
  while (results.take_front(chunk)) {
    take_all(
        chunk, [&](value v) { good = is_of(v, next++) && good; }, [&](held h) { good = is_of(h, next++) && good; });
    good = good && results.first() == next;
    chunk.clear();
  }
  return next;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(result_order_)

BOOST_AUTO_TEST_CASE(in_whatever_order_six_come_they_leave_in_theirs) {
  std::vector<std::uint64_t> order(6);
  std::iota(order.begin(), order.end(), 0u);
  do {
    for (bool const at_once : {true, false}) {
      result_order results;
      std::uint64_t next = 0;
      bool good = true;
      for (std::uint64_t const n : order) {
        BOOST_TEST(!results.front_is_there());
        add(results, n);
        if (!at_once || n == next) next = take(results, next, good);
      }
      BOOST_TEST(good);
      BOOST_TEST(next == 6u);
    }
  } while (std::ranges::next_permutation(order).found);
}

BOOST_AUTO_TEST_CASE(what_follows_each_other_leaves_as_one) {
  result_order results;
  for (std::uint64_t n = 100; n < 200; ++n) add(results, n);
  BOOST_TEST(!results.front_is_there());
  for (std::uint64_t n = 0; n < 100; ++n) add(results, n);
  result_chunk chunk;
  BOOST_TEST(results.take_front(chunk));
  BOOST_TEST(results.first() == 100u);
  chunk.clear();
  BOOST_TEST(results.take_front(chunk));
  BOOST_TEST(results.first() == 200u);
  BOOST_TEST(!results.take_front(chunk));
}

BOOST_AUTO_TEST_CASE(workers_of_any_number_and_shares_of_any_size_do_not_disturb_the_order) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    struct share {
      std::uint64_t at, end;
    };
    std::vector<share> workers(1 + random() % 11);
    std::uint64_t handed_out = 0, next = 0;
    std::uint64_t const count = 3000, share_of_one = 1 + random() % 600, ahead = share_of_one * (1 + random() % 8);
    result_order results;
    bool good = true;
    while (next < count) {
      share& w = workers[random() % workers.size()];
      if (w.at == w.end) {
        if (handed_out == count || handed_out > next + ahead) {
          next = take(results, next, good);
        } else {
          w = {handed_out, std::min(count, handed_out + 1 + random() % share_of_one)};
          handed_out = w.end;
        }
      }
      for (std::uint64_t some = random() % 40; some > 0 && w.at < w.end; --some) add(results, w.at++);
      if (random() % 3 == 0) next = take(results, next, good);
    }
    BOOST_TEST(good);
    BOOST_TEST(next == count);
  }
}

BOOST_AUTO_TEST_CASE(values_that_come_in_series_are_as_if_they_came_one_by_one) {
  std::vector<std::uint64_t> values(30);
  std::iota(values.begin(), values.end(), 0u);
  auto const series = [&](std::uint64_t first, std::size_t count) {
    auto const bytes = std::as_bytes(std::span(values).subspan(first, count));
    return value_series{first, sizeof first, count, bytes.data()};
  };
  result_order results;
  results.add_series(20, series(20, 10));
  results.add_series(5, series(5, 1));
  results.add_series(6, series(6, 14));
  BOOST_TEST(!results.front_is_there());
  results.add_series(0, series(0, 4));
  results.add(4, std::make_unique<held_result>());
  result_chunk chunk;
  for (std::uint64_t next = 0; results.take_front(chunk); chunk.clear())
    take_all(
        chunk,
        [&](value v) {
          BOOST_TEST(next != 4u);
          BOOST_TEST(std::ranges::equal(v, std::as_bytes(std::span(&next, 1))));
          ++next;
        },
        [&](held) { BOOST_TEST(next++ == 4u); });
  BOOST_TEST(results.first() == 30u);
}

BOOST_AUTO_TEST_CASE(a_run_is_begun_anew_when_it_is_long) {
  result_order results;
  std::vector<std::byte> const result(1000);
  for (std::uint64_t n = 1; n < 1000; ++n) results.add(n, std::span(result));
  results.add(0, std::span(result));
  result_chunk chunk;
  while (results.take_front(chunk)) {
    BOOST_TEST(chunk.size() <= result_chunk::full + result.size() + frame_header::size);
    chunk.clear();
  }
  BOOST_TEST(results.first() == 1000u);
}

BOOST_AUTO_TEST_SUITE_END()
