#define BOOST_TEST_MODULE intake
#include "pool/intake.hpp"

#include <procx/error/exceptions.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <list>
#include <memory>
#include <optional>
#include <vector>

using namespace procx::detail;

namespace {

constexpr std::size_t no_limit = ~std::size_t{0} / 2;

struct no_operation final : operation {
  void complete(raw_result) override {}
};

/// An intake of a pool, and the loop thread's side of it.
class pool_side {
 public:
  explicit pool_side(intake::limits const& limits)
      : intake_(limits, no_limit, intake::operations::end_with_outcome, counts_, [this] { ++woken_; }) {}

  intake* operator->() noexcept { return &intake_; }
  std::uint64_t submit(std::size_t bytes = 8) {
    std::vector<std::byte> memory(arguments_length_size + bytes + copy_padding);
    std::memcpy(memory.data(), &bytes, sizeof bytes);
    intake_item item;
    item.bytes = std::span(memory).first(arguments_length_size + bytes);
    item.is_task = true;
    return intake_.submit(item, std::make_unique<no_operation>(), false);
  }
  /// The numbers of the tasks that came through since the last time.
  std::vector<std::uint64_t> take() {
    std::vector<std::uint64_t> numbers;
    std::size_t operations = 0;
    while (intake_.take(batches_, true)) {}
    for (; !batches_.empty(); intake_.recycle_front(batches_)) {
      operations += batches_.front().operations.size();
      for (auto const& run : batches_.front().runs)
        for (std::uint32_t i = 0; i < run.count; ++i) numbers.push_back(run.first + i);
    }
    BOOST_TEST(operations == numbers.size());
    return numbers;
  }
  /// So many tasks have ended, each of so many bytes.
  void end_tasks(std::size_t count, std::size_t bytes = 8) {
    counts_.taken.store(counts_.taken.load() + count);
    counts_.argument_bytes_over.store(counts_.argument_bytes_over.load() + count * bytes);
    intake_.room_made();
  }
  int woken() const noexcept { return woken_; }

 private:
  flow_counts counts_;
  int woken_ = 0;
  std::list<intake_batch> batches_;
  intake intake_;
};

using numbers = std::vector<std::uint64_t>;

}  // namespace

BOOST_AUTO_TEST_SUITE(intake_)

BOOST_AUTO_TEST_CASE(beyond_the_capacity_tasks_wait_and_are_admitted_in_their_order) {
  pool_side in({8, no_limit});
  for (std::uint64_t n = 0; n < 20; ++n) BOOST_TEST(in.submit() == n);
  BOOST_TEST(in->admitted() == 8u);
  BOOST_TEST(in->submitted() == 20u);
  BOOST_TEST(in.take() == (numbers{0, 1, 2, 3, 4, 5, 6, 7}));
  in.end_tasks(3);
  BOOST_TEST(in.take() == (numbers{8, 9, 10}));
  BOOST_TEST(in.submit() == 20u);  // behind those that wait
  in.end_tasks(8);
  BOOST_TEST(in.take() == (numbers{11, 12, 13, 14, 15, 16, 17, 18}));
  in.end_tasks(8);
  BOOST_TEST(in.take() == (numbers{19, 20}));
  BOOST_TEST(in.submit() == 21u);
  BOOST_TEST(in->admitted() == 22u);
}

BOOST_AUTO_TEST_CASE(bytes_are_bounded_as_well_and_a_large_task_goes_alone) {
  pool_side in({100, 1000});
  for (int i = 0; i < 5; ++i) in.submit(400);
  in.submit(5000);
  BOOST_TEST(in.take() == (numbers{0, 1}));
  in.end_tasks(2, 400);
  BOOST_TEST(in.take() == (numbers{2, 3}));
  in.end_tasks(2, 400);
  BOOST_TEST(in.take() == (numbers{4}));
  in.end_tasks(1, 400);
  BOOST_TEST(in.take() == (numbers{5}));
}

BOOST_AUTO_TEST_CASE(a_task_that_waits_can_be_withdrawn_and_its_number_is_no_other_task_s) {
  pool_side in({1, no_limit});
  for (int i = 0; i < 5; ++i) in.submit();
  BOOST_TEST(!in->withdraw(0));  // it was admitted
  BOOST_TEST(!in->withdraw(5));
  BOOST_TEST(in->withdraw(2).has_value());
  BOOST_TEST(!in->withdraw(2));
  BOOST_TEST(in->submitted() == 4u);
  numbers all = in.take();
  for (int i = 0; i < 4; ++i) {
    in.end_tasks(1);
    for (std::uint64_t const n : in.take()) all.push_back(n);
  }
  BOOST_TEST(all == (numbers{0, 1, 3, 4}));
  BOOST_TEST(in.submit() == 5u);
}

BOOST_AUTO_TEST_CASE(when_a_large_task_is_withdrawn_a_smaller_one_behind_it_has_room) {
  pool_side in({100, 1000});
  in.submit(600);
  in.submit(900);
  in.submit(100);
  BOOST_TEST(in.take() == (numbers{0}));
  BOOST_TEST(in->withdraw(1).has_value());
  BOOST_TEST(in.take() == (numbers{2}));
}

BOOST_AUTO_TEST_CASE(after_a_stop_nothing_is_admitted_and_those_that_wait_are_given_out) {
  pool_side in({2, no_limit});
  for (int i = 0; i < 4; ++i) in.submit();
  in->stop(false);
  BOOST_CHECK_THROW(in.submit(), procx::queue_stopped);
  in.end_tasks(2);
  BOOST_TEST(in.take() == (numbers{0, 1}));
  for (std::uint64_t const n : {2u, 3u}) {
    auto const one = in->withdraw_first();
    BOOST_REQUIRE(one.has_value());
    BOOST_TEST(one->first == n);
    BOOST_TEST(!!one->second);
  }
  BOOST_TEST(!in->withdraw_first());
}

BOOST_AUTO_TEST_CASE(the_loop_thread_is_woken_once_for_many_tasks) {
  pool_side in({100, no_limit});
  in.submit();
  in.submit();
  BOOST_TEST(in.woken() == 1);
  in.take();
  in.submit();
  BOOST_TEST(in.woken() == 2);
  in.submit();
  BOOST_TEST(in.woken() == 2);
}

BOOST_AUTO_TEST_SUITE_END()
