#define BOOST_TEST_MODULE kept_results
#include "background/kept_results.hpp"

#include "support/observe.hpp"

#include <boost/system/system_error.hpp>
#include <boost/test/unit_test.hpp>

#include <string>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>

using namespace procx::detail;

namespace {

descriptor new_file() { return descriptor::take(::memfd_create("results", MFD_CLOEXEC), "memfd"); }

descriptor no_file() { throw boost::system::system_error(ENOSPC, boost::system::system_category()); }

void add(kept_results& kept, std::string const& text) {
  kept.add(frame_kind::value, 0, std::as_bytes(std::span(text)));
}

std::string text_of(kept_result const& r) {
  return {reinterpret_cast<char const*>(r.payload.data()), r.payload.size()};
}

/// As long as it pleases, but its own number is in front.
std::string text_at(int i) { return std::to_string(i) + '.' + std::string(static_cast<std::size_t>(i * 7919 % 5000), 'x'); }

}  // namespace

BOOST_FIXTURE_TEST_SUITE(results_that_are_kept, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(come_back_in_their_order_from_memory_and_from_the_file) {
  kept_results kept(100'000, default_frame_limit, new_file);
  int added = 0, taken = 0;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 300; ++i) add(kept, text_at(added++));
    BOOST_TEST(kept.bytes_in_memory() <= 100'000u);
    if (round == 10) BOOST_TEST(kept.bytes_in_file() > 1'000'000u);
    for (int i = 0; i < (round < 10 ? 100 : 500); ++i) {
      auto const r = kept.take();
      BOOST_REQUIRE(r);
      BOOST_REQUIRE(text_of(*r) == text_at(taken++));
      BOOST_REQUIRE(r->id == static_cast<std::uint64_t>(taken));
    }
  }
  BOOST_TEST(kept.empty());
  BOOST_TEST(!kept.take());
  BOOST_TEST(kept.bytes_in_file() == 0u);
  BOOST_TEST(kept.bytes_in_memory() == 0u);
}

BOOST_AUTO_TEST_CASE(are_taken_again_first_when_they_were_given_back) {
  kept_results kept(1000, default_frame_limit, new_file);
  for (int i = 0; i < 100; ++i) add(kept, text_at(i));
  auto a = kept.take(), b = kept.take(), c = kept.take();
  kept.give_back(std::move(*c));
  kept.give_back(std::move(*a));
  kept.give_back(std::move(*b));
  for (int i = 0; i < 100; ++i) BOOST_REQUIRE(text_of(kept.take().value()) == text_at(i));
  BOOST_TEST(kept.empty());
}

BOOST_AUTO_TEST_CASE(keep_their_kind_and_flags_in_the_file) {
  kept_results kept(0, default_frame_limit, new_file);
  std::string const text = "dead";
  kept.add(frame_kind::exception, 4, std::as_bytes(std::span(text)));
  auto const r = kept.take();
  BOOST_REQUIRE(r);
  BOOST_TEST((r->kind == frame_kind::exception));
  BOOST_TEST(int(r->flags) == 4);
}

BOOST_AUTO_TEST_CASE(wait_in_memory_where_there_is_no_file_and_no_more_should_come) {
  kept_results kept(1000, default_frame_limit, no_file);
  int added = 0;
  while (!kept.full()) add(kept, text_at(added++));
  BOOST_TEST(added > 100);
  for (int i = 0; i < added; ++i) BOOST_REQUIRE(text_of(kept.take().value()) == text_at(i));
  BOOST_TEST(kept.empty());
  BOOST_TEST(!kept.full());
}

BOOST_AUTO_TEST_CASE(go_on_where_the_file_took_no_more_in_the_midst_of_one) {
  kept_results kept(0, default_frame_limit, new_file);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  int added = 0;
  rlimit const little{1'000'001, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &little);
  while (!kept.full()) add(kept, text_at(added++));
  BOOST_TEST(kept.bytes_in_file() == 1'000'001u);
  int taken = 0;
  for (; taken < added / 2; ++taken) BOOST_REQUIRE(text_of(kept.take().value()) == text_at(taken));
  ::setrlimit(RLIMIT_FSIZE, &before);
  for (int i = 0; i < 1000; ++i) add(kept, text_at(added++));
  for (; taken < added; ++taken) BOOST_REQUIRE(text_of(kept.take().value()) == text_at(taken));
  BOOST_TEST(kept.empty());
}

BOOST_AUTO_TEST_SUITE_END()
