#define BOOST_TEST_MODULE pmap_shared
#include "memory/slab_arena.hpp"
#include "support/observe.hpp"
#include "support/processes.hpp"

#include <procx/procx.hpp>

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <cstring>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

#include <unistd.h>

namespace px = procx;
using px::detail::slab_arena;
using processes::code_of_fork;

namespace {

using numbers = std::vector<std::uint64_t>;
constexpr std::size_t KiB = 1024, MiB = 1024 * KiB;

numbers some(std::size_t bytes, std::uint64_t first) {
  numbers v(bytes / sizeof(std::uint64_t));
  std::iota(v.begin(), v.end(), first);
  return v;
}
numbers plus_one(numbers v) {
  for (auto& n : v) ++n;
  return v;
}

struct in_use_is_nothing : observe::leaves_nothing {
  void teardown() const {
    observe::leaves_nothing::teardown();
    if (auto* const arena = slab_arena::own()) {
      BOOST_TEST(arena->in_use() == 0u);
      BOOST_TEST(arena->backed() == 0u);
    }
  }
};

struct report {
  std::map<std::string, numbers> tables;
  std::optional<std::string> text;
  std::vector<numbers> more;
  template <class Archive>
  void serialize(Archive& ar, unsigned) {
    ar & tables & text & more;
  }
};

struct throws_late {
  numbers big;
  bool bad = false;
  template <class Archive>
  void serialize(Archive& ar, unsigned) {
    ar & big & bad;
    if (bad) throw std::runtime_error("not to be written");
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(pmap_shared, in_use_is_nothing)

BOOST_AUTO_TEST_CASE(values_of_any_size_come_back_as_they_should) {
  for (int const workers : {1, 2, 11})
    for (std::size_t const size : {std::size_t{0}, std::size_t{8}, 32 * KiB - 8, 32 * KiB, 64 * KiB, 64 * KiB + 8, MiB, 5 * MiB}) {
      std::vector<numbers> inputs;
      for (std::uint64_t i = 0; i < 6; ++i) inputs.push_back(some(size, i * 1000));
      std::size_t i = 0;
      for (numbers const& v : px::pmap(plus_one, inputs, {.workers = workers}))
        BOOST_TEST_REQUIRE((v == some(size, i++ * 1000 + 1)));
      BOOST_TEST(i == 6u);
    }
}

BOOST_AUTO_TEST_CASE(large_parts_of_a_value_are_shared_as_well) {
  std::vector<report> inputs(4);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    inputs[i].tables = {{"small", some(80, i)}, {"large", some(MiB, i)}};
    inputs[i].text = std::string(100 * KiB + i, 'x');
    inputs[i].more = {some(50 * KiB, i), some(8, i)};
  }
  std::size_t i = 0;
  for (report const& r : px::pmap([](report r) { return r; }, inputs, {.workers = 2})) {
    BOOST_TEST((r.tables == inputs[i].tables));
    BOOST_TEST((*r.text == *inputs[i].text));
    BOOST_TEST((r.more == inputs[i].more));
    ++i;
  }
}

BOOST_AUTO_TEST_CASE(a_view_sees_what_was_sent_and_a_shared_vector_is_returned_in_place) {
  for (std::size_t const size : {std::size_t{80}, 40 * KiB, 3 * MiB}) {
    std::vector<numbers> const inputs{some(size, 0), some(size, 7), some(size, 9)};
    auto const work = [](px::view<std::uint64_t> v) {
      px::shared_vector<std::uint64_t> out(v.size());
      std::ranges::transform(v, out.begin(), [](auto n) { return n * 2; });
      return out;
    };
    std::size_t i = 0;
    for (px::shared_vector<std::uint64_t> const& v : px::pmap(work, inputs, {.workers = 2})) {
      BOOST_TEST(v.size() == inputs[i].size());
      for (std::size_t n = 0; n < v.size(); ++n) BOOST_TEST_REQUIRE(v[n] == inputs[i][n] * 2);
      BOOST_TEST(v.shared() == (size >= 32 * KiB));
      ++i;
    }
  }
}

BOOST_AUTO_TEST_CASE(what_the_parent_has_filled_is_seen_by_tasks_and_stays_as_it_is) {
  px::shared_vector<std::uint64_t> const input(MiB / 8, 5);
  auto const inputs = std::views::iota(0, 50) | std::views::transform([&](int) -> auto& { return input; });
  auto const sum = [](px::view<std::uint64_t> v) { return std::accumulate(v.begin(), v.end(), std::uint64_t{0}); };
  for (std::uint64_t s : px::pmap(sum, inputs, {.workers = 2})) BOOST_TEST(s == 5 * MiB / 8);
  auto const change = [](px::shared_vector<std::uint64_t> v) {
    for (auto& n : v) ++n;
    return v;
  };
  for (auto const& v : px::pmap(change, inputs, {.workers = 2})) {
    BOOST_TEST_REQUIRE(v[0] == 6u);
    BOOST_TEST_REQUIRE(v[v.size() - 1] == 6u);
  }
  BOOST_TEST(std::ranges::count(input, 5u) == static_cast<std::ptrdiff_t>(input.size()));
}

BOOST_AUTO_TEST_CASE(what_was_sent_for_one_task_may_be_changed_and_returned_in_place) {
  for (unsigned const retries : {0u, 3u}) {  // there would be nothing left to try again with
    auto const work = [](px::shared_vector<std::uint64_t> v) {
      v[0] += 1000;
      return v;
    };
    std::vector<numbers> const inputs(20, some(MiB, 3));
    for (auto const& v : px::pmap(work, inputs, {.workers = 2, .retries = retries})) {
      BOOST_TEST_REQUIRE(v[0] == 1003u);
      BOOST_TEST_REQUIRE(v[v.size() - 1] == inputs[0].back());
    }
  }
}

BOOST_AUTO_TEST_CASE(results_in_place_outlive_the_workers) {
  std::optional<px::shared_vector<std::uint64_t>> kept;
  {
    auto m = px::pmap([](int n) { return px::shared_vector<std::uint64_t>(MiB / 8, static_cast<std::uint64_t>(n)); },
                      std::vector<int>{41, 42}, {.workers = 2});
    kept = std::move(m[1]);
  }
  BOOST_TEST((*kept)[MiB / 8 - 1] == 42u);
}

BOOST_AUTO_TEST_CASE(what_killed_workers_had_is_used_again) {
  auto const work = [](px::shared_vector<std::uint64_t> v) {
    px::shared_vector<std::uint64_t> const more(MiB / 8, 1);
    if (v[0] % 3 == 0) ::raise(SIGKILL);
    v[1] = more[0];
    return v;
  };
  auto const inputs = std::views::iota(std::uint64_t{0}, std::uint64_t{60}) |
                      std::views::transform([](std::uint64_t n) { return some(MiB, n); });
  int good = 0;
  for (auto const& o : px::pmap(work, inputs, {.workers = 2}).outcomes()) {
    BOOST_TEST_REQUIRE(o.has_value() == (o.index() % 3 != 0));
    good += o && (*o)[0] == o.index() && (*o)[1] == 1;
  }
  BOOST_TEST(good == 40);
}

BOOST_AUTO_TEST_CASE(deaths_are_tried_again_with_the_same_arguments) {
  observe::shared<std::atomic<int>> deaths(0);
  auto const work = [&](numbers v) {
    if (v[0] == 2 && deaths->fetch_add(1) < 2) ::raise(SIGKILL);
    return plus_one(std::move(v));
  };
  std::vector<numbers> const inputs{some(MiB, 1), some(MiB, 2), some(MiB, 3)};
  std::uint64_t i = 2;
  for (numbers const& v : px::pmap(work, inputs, {.workers = 2, .retries = 2})) BOOST_TEST((v == some(MiB, i++)));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_written_to_its_end_costs_its_own_task_and_no_memory) {
  std::vector<throws_late> inputs(9);
  for (std::size_t i = 0; i < inputs.size(); ++i) inputs[i] = {some(MiB, i), i % 3 == 1};
  auto const work = [](throws_late v) {
    v.bad = v.big[0] % 3 == 2;  // cannot be written over there
    return v;
  };
  for (auto const& o : px::pmap(work, inputs, {.workers = 2}).outcomes()) BOOST_TEST(o.has_value() == (o.index() % 3 == 0));
}

BOOST_AUTO_TEST_CASE(the_limit_of_a_frame_holds_for_shared_memory_too) {
  auto m = px::pmap([](int n) { return some(static_cast<std::size_t>(n), 0); }, std::vector<int>{100, 200'000, 400'000},
                    {.workers = 2, .frame_limit = 300'000});
  BOOST_TEST(m[1].size() == 25'000u);
  BOOST_CHECK_THROW(m[2], px::remote_exception);
  auto back = px::pmap([](numbers const& v) { return v.size(); }, std::vector{some(200'000, 0), some(400'000, 0)},
                       {.workers = 2, .frame_limit = 300'000});
  BOOST_TEST(back[0] == 25'000u);
  BOOST_CHECK_THROW(back[1], px::protocol_error);
}

BOOST_AUTO_TEST_CASE(without_shared_memory_the_pipes_take_over) {
  if (processes::sanitized) return;  // they need more memory than is allowed here
  for (auto const what : {RLIMIT_AS, RLIMIT_FSIZE})
    BOOST_TEST(code_of_fork([&] {
      CHILD_CHECK(observe::limit_to_little_more(what));
      std::vector<numbers> const inputs{some(MiB, 1), some(3 * MiB, 2)};
      auto m = px::pmap(plus_one, inputs, {.workers = 2});
      CHILD_CHECK(m[0] == some(MiB, 2) && m[1] == some(3 * MiB, 3));
      auto in_place = px::pmap([](px::view<std::uint64_t> v) {
        px::shared_vector<std::uint64_t> out(v.size());
        std::ranges::copy(v, out.begin());
        return out;
      }, inputs, {.workers = 2});
      CHILD_CHECK(!in_place[1].shared() && in_place[1][5] == 7);
      return 0;
    }) == 0);
}

BOOST_AUTO_TEST_CASE(more_than_there_are_pieces_goes_through_as_well) {
  px::pmap_options const all_at_once{.workers = 1, .window = 700};
  std::vector<px::shared_vector<std::uint64_t>> hoard;  // more than there are pieces of 64 KiB and 128 KiB
  for (int i = 0; i < 600; ++i) hoard.emplace_back(50 * KiB / 8, 1);
  BOOST_TEST(!hoard.back().shared());
  auto const inputs = std::views::iota(0, 20) | std::views::transform([](int) { return some(50 * KiB, 1); });
  for (numbers const& v : px::pmap(plus_one, inputs, all_at_once)) BOOST_TEST((v == some(50 * KiB, 2)));
}

BOOST_AUTO_TEST_CASE(pools_and_reused_processes_share_as_well) {
  px::process_pool pool({.workers = 2});
  BOOST_TEST((pool.submit(plus_one, some(MiB, 1)).get() == some(MiB, 2)));
  auto const sum = [](px::view<std::uint64_t> v) { return std::accumulate(v.begin(), v.end(), std::uint64_t{0}); };
  BOOST_TEST(pool.submit(sum, px::view<std::uint64_t>(some(80, 1))).get() == 55u);
  px::queue<numbers> queue({.limit = 2, .reuse = true});
  for (std::uint64_t i = 0; i < 10; ++i) queue.start(px::make_reusable(plus_one), some(MiB, i));
  for (auto const& o : queue.outcomes()) BOOST_TEST((*o == some(MiB, o.index() + 1)));
}

BOOST_AUTO_TEST_CASE(a_worker_may_share_with_workers_of_its_own) {
  auto const nested = [](numbers v) {
    std::vector<numbers> const inputs{v, v};
    auto m = px::pmap(plus_one, inputs, {.workers = 2});
    return std::move(m[1]);
  };
  std::vector<numbers> const inputs{some(MiB, 1), some(MiB, 5)};
  auto m = px::pmap(nested, inputs, {.workers = 2});
  BOOST_TEST((m[0] == some(MiB, 2)));
  BOOST_TEST((m[1] == some(MiB, 6)));
}

BOOST_AUTO_TEST_CASE(a_view_from_a_channel_keeps_a_copy) {
  px::channel ch = px::start([](px::channel& up) { up.send(some(MiB, 4)); });
  auto const v = ch.receive<px::view<std::uint64_t>>();
  ch.wait();
  BOOST_TEST(v.size() == MiB / 8);
  BOOST_TEST(v[1] == 5u);
}

BOOST_AUTO_TEST_SUITE_END()
