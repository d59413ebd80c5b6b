#define BOOST_TEST_MODULE slab_arena
#include "memory/slab_arena.hpp"

#include "memory/slab_sources.hpp"
#include "support/observe.hpp"
#include "support/processes.hpp"

#include <procx/error/exceptions.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include <sys/mman.h>
#include <sys/resource.h>

namespace px = procx;
using namespace px::detail;
using processes::code_of_fork;

namespace {

constexpr std::size_t KiB = 1024, MiB = 1024 * KiB, GiB = 1024 * MiB;
constexpr std::uint32_t worker = 77, other_worker = 78;

slab_arena& arena() { return *slab_arena::own(); }

/// The books as they lie in the memory that every worker can write to.
struct piece_in_the_books {
  std::uint32_t owner;
  std::uint64_t backed;
};
piece_in_the_books volatile* books() {
  std::size_t const size = (8 + slab_layout::pieces * sizeof(piece_in_the_books) + 4095) / 4096 * 4096;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    unsigned long from = 0, to = 0;
    if (line.find("rw-s") == line.npos || std::sscanf(line.c_str(), "%lx-%lx", &from, &to) != 2) continue;
    if (to - from == size) return reinterpret_cast<piece_in_the_books volatile*>(from + 8);
  }
  return nullptr;
}
bool holds(slab const& s, std::size_t size, int value) {
  return std::all_of(s.data(), s.data() + size, [=](std::byte b) { return b == std::byte(value); });
}

/// A piece that a worker forked now has filled with sevens, and still owns.
std::uint32_t piece_of_a_worker(std::size_t size) {
  observe::shared<std::uint32_t> number;
  BOOST_TEST(code_of_fork([&] {
    slab_arena::work_for_parent(worker);
    slab s = slab::allocate(size);
    std::memset(s.data(), 7, size);
    *number = s.number();
    s.disown();
    return 0;
  }) == 0);
  return *number;
}

/// How much of the arena this process may read or write, in bytes.
std::size_t touchable() {
  std::ifstream maps("/proc/self/maps");
  std::size_t sum = 0;
  for (std::string line; std::getline(maps, line);) {
    std::size_t begin = 0, end = 0;
    char access[5]{};
    if (line.find("memfd:procx") == std::string::npos) continue;
    if (std::sscanf(line.c_str(), "%zx-%zx %4s", &begin, &end, access) == 3 && access[0] == 'r') sum += end - begin;
  }
  return sum;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(slab_arena_of_a_process, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(a_piece_is_as_large_as_was_asked_for_and_can_be_written) {
  for (std::size_t const size : {std::size_t{1}, 64 * KiB, 64 * KiB + 1, MiB, 3 * MiB, 40 * MiB}) {
    slab const s = arena().allocate(size, slab_arena::parent);
    BOOST_REQUIRE(bool(s));
    BOOST_TEST(arena().size_of(s.number()) >= size);
    BOOST_TEST(reinterpret_cast<std::uintptr_t>(s.data()) % 4096 == 0u);
    std::memset(s.data(), 1, size);
  }
  BOOST_TEST(arena().in_use() == 0u);
}

BOOST_AUTO_TEST_CASE(pieces_do_not_overlap_and_are_used_again) {
  arena().enter();
  std::vector<slab> held;
  for (std::size_t n = 0; n < 40; ++n) {
    held.push_back(arena().allocate((1 + n % 5) * 50 * KiB, slab_arena::parent));
    std::memset(held.back().data(), static_cast<int>(n), (1 + n % 5) * 50 * KiB);
  }
  for (std::size_t n = 0; n < held.size(); ++n)
    for (std::size_t i = 0; i < (1 + n % 5) * 50 * KiB; i += KiB)
      BOOST_REQUIRE(std::to_integer<std::size_t>(held[n].data()[i]) == n);
  std::byte* const first = held.front().data();
  std::size_t const backed = arena().backed();
  held.clear();
  BOOST_TEST((arena().allocate(50 * KiB, slab_arena::parent).data() == first));
  BOOST_TEST(arena().backed() == backed);
  arena().leave();
}

BOOST_AUTO_TEST_CASE(what_is_too_large_is_not_to_be_had) {
  BOOST_TEST(!arena().allocate(std::size_t{2} << 30, slab_arena::parent));
  BOOST_TEST(!arena().allocate(~std::size_t{0}, slab_arena::parent));
  std::vector<slab> all;  // of one size: then the next larger one is used, then nothing
  while (slab s = arena().allocate(64 * KiB, slab_arena::parent)) all.push_back(std::move(s));
  BOOST_TEST(all.size() == 512u);
  all.pop_back();
  BOOST_TEST(bool(arena().allocate(64 * KiB, slab_arena::parent)));
}

BOOST_AUTO_TEST_CASE(memory_goes_back_to_the_system_after_the_last_user) {
  arena().enter(), arena().enter();
  slab kept = arena().allocate(MiB, slab_arena::parent);
  std::memset(kept.data(), 7, MiB);
  { slab const s = arena().allocate(8 * MiB, slab_arena::parent); }
  arena().leave();
  BOOST_TEST(arena().backed() >= 9 * MiB);
  arena().leave();
  BOOST_TEST(arena().backed() == MiB);
  BOOST_TEST((kept.data()[MiB - 1] == std::byte{7}));
  slab const again = arena().allocate(8 * MiB, slab_arena::parent);
  BOOST_TEST((again.data()[8 * MiB - 1] == std::byte{0}));
}

BOOST_AUTO_TEST_CASE(only_the_owner_gives_a_piece_back_or_away) {
  slab s = arena().allocate(MiB, worker);
  std::uint32_t const number = s.number();
  s.disown();
  arena().release(number, other_worker);
  BOOST_TEST(arena().owner_of(number) == worker);
  BOOST_TEST(!arena().take_over(number, other_worker));
  BOOST_TEST(!arena().take_over(~0u, worker));
  slab const ours = arena().take_over(number, worker);
  BOOST_TEST(bool(ours));
  BOOST_TEST(ours.is_ours());
  BOOST_TEST(!arena().take_over(number, worker));
}

BOOST_AUTO_TEST_CASE(what_a_dead_worker_owned_is_free_and_nothing_else) {
  for (int i = 0; i < 3; ++i) arena().allocate(MiB, worker).disown();
  slab const others = arena().allocate(MiB, other_worker);
  BOOST_TEST(arena().in_use() == 4u);
  arena().reclaim(worker);
  BOOST_TEST(arena().in_use() == 1u);
}

BOOST_AUTO_TEST_CASE(no_length_in_the_books_is_believed) {
  BOOST_TEST(code_of_fork([&] {
    arena().enter();
    slab freed = arena().allocate(64 * KiB, slab_arena::parent);
    slab const held = arena().allocate(40 * KiB, slab_arena::parent);  // lies behind it
    std::memset(held.data(), 7, 40 * KiB);
    freed = {};
    piece_in_the_books volatile* const pieces = books();
    CHILD_CHECK(pieces);
    CHILD_CHECK(pieces[held.number()].owner == slab_arena::parent);
    for (std::size_t n = 0; n < slab_layout::pieces; ++n) pieces[n].backed = std::uint64_t{64} << 30;
    CHILD_CHECK(arena().written(held.number()).size() == 40 * KiB);
    CHILD_CHECK(bool(arena().allocate(MiB, slab_arena::parent)));
    arena().leave();
    CHILD_CHECK(holds(held, 40 * KiB, 7));
    arena().enter();
    CHILD_CHECK(bool(arena().allocate(4 * MiB, slab_arena::parent)));  // the count of all is right again
    arena().leave();
    return 0;
  }) == 0);
}

BOOST_AUTO_TEST_CASE(what_this_process_holds_is_nobody_elses_whatever_the_books_say) {
  BOOST_TEST(code_of_fork([&] {
    arena().enter();
    slab const held = arena().allocate(64 * KiB, slab_arena::parent);
    std::memset(held.data(), 7, 64 * KiB);
    books()[held.number()].owner = worker;
    CHILD_CHECK(!arena().take_over(held.number(), worker));
    arena().reclaim(worker);
    CHILD_CHECK(arena().owner_of(held.number()) == 0);
    CHILD_CHECK(arena().allocate(64 * KiB, slab_arena::parent).number() != held.number());
    arena().leave();
    CHILD_CHECK(holds(held, 64 * KiB, 7));
    return 0;
  }) == 0);
}

BOOST_AUTO_TEST_CASE(a_piece_that_was_given_away_can_be_had_again) {
  slab given = arena().allocate(MiB, worker);
  std::uint32_t const number = given.number();
  given.disown();
  { slab const taken = arena().take_over(number, worker); }
  BOOST_TEST(arena().allocate(MiB, worker).number() == number);
}

BOOST_AUTO_TEST_CASE(only_what_belongs_to_a_value_is_told_of_a_piece) {
  std::uint32_t number = 0;
  { slab const larger = arena().allocate(60 * KiB, slab_arena::parent); number = larger.number(); }
  slab const smaller = arena().allocate(33 * KiB, slab_arena::parent);
  BOOST_TEST(smaller.number() == number);
  BOOST_TEST(arena().written(number).size() == 33 * KiB);
}

BOOST_AUTO_TEST_CASE(a_gift_can_be_accepted_once_and_nothing_else_can) {
  slab const gift = arena().allocate(MiB, slab_arena::new_gift());
  slab const plain = arena().allocate(MiB, slab_arena::parent);
  BOOST_TEST(!arena().accept(plain.number(), worker));
  BOOST_TEST(gift.is_ours());
  slab const accepted = arena().accept(gift.number(), worker);
  BOOST_TEST(bool(accepted));
  BOOST_TEST(!gift.is_ours());
  BOOST_TEST(!arena().accept(gift.number(), other_worker));
}

BOOST_AUTO_TEST_CASE(a_list_of_slabs_that_is_not_the_workers_is_refused) {
  auto const bytes_of = [](std::vector<std::uint32_t> const& words) {
    buffer b;
    b.append(words.data(), words.size() * sizeof words[0]);
    return b;
  };
  slab theirs = arena().allocate(MiB, other_worker);
  for (auto const& words : std::vector<std::vector<std::uint32_t>>{
           {}, {1}, {5}, {~0u}, {theirs.number(), 1}, {99'999'999, 1}, {0, 1}, {0, 0, 2}}) {
    buffer const b = bytes_of(words);
    received_slabs slabs(arena());
    BOOST_CHECK_THROW(slabs.take(b, worker), px::protocol_error);
  }
  slab mine = arena().allocate(MiB, worker);
  buffer const b = bytes_of({mine.number(), 1});
  mine.disown();
  received_slabs slabs(arena());
  BOOST_TEST(slabs.take(b, worker).empty());
  BOOST_TEST(slabs.find(mine.number(), MiB).size() == MiB);
  BOOST_CHECK_THROW(slabs.find(mine.number(), MiB + 1), px::protocol_error);
  BOOST_CHECK_THROW(slabs.find(theirs.number(), 1), px::protocol_error);
}

BOOST_AUTO_TEST_CASE(the_copy_in_a_child_of_the_users_own_gives_nothing_back) {
  auto s = std::make_unique<slab>(arena().allocate(MiB, slab_arena::parent));
  slab_arena* const ours = slab_arena::own();
  BOOST_TEST(code_of_fork([&] {
    CHILD_CHECK(slab_arena::own() != ours);
    s.reset();
    return 0;
  }) == 0);
  BOOST_TEST(s->is_ours());
}

BOOST_AUTO_TEST_CASE(nothing_may_be_touched_but_what_is_used) {
  arena().enter(), arena().leave();  // whatever other cases have left
  arena().enter();
  std::size_t const before = touchable();
  BOOST_TEST(before <= MiB);
  {
    slab const large = arena().allocate(600 * MiB, slab_arena::parent);
    slab const small = arena().allocate(100 * KiB, slab_arena::parent);
    BOOST_TEST(touchable() - before <= 601 * MiB);
  }
  arena().leave();
  BOOST_TEST(touchable() <= before);
}

BOOST_AUTO_TEST_CASE(each_process_may_touch_what_another_has_put_into_a_piece) {
  arena().enter();
  std::uint32_t const number = piece_of_a_worker(3 * MiB);
  {
    std::uint32_t const list[]{number, 1};
    received_slabs theirs(arena());
    theirs.take(std::as_bytes(std::span(list)), worker);
    auto const bytes = theirs.find(number, 3 * MiB);
    BOOST_TEST((bytes.front() == std::byte{7} && bytes.back() == std::byte{7}));
  }
  for (auto const owner : {slab_arena::parent, slab_arena::new_gift()}) {
    slab const ours = arena().allocate(20 * MiB, owner);
    ours.data()[20 * MiB - 1] = std::byte{9};
    BOOST_TEST(code_of_fork([&] {
      slab_arena::work_for_parent(worker);
      CHILD_CHECK(lent_slabs().find(ours.number(), 20 * MiB).back() == std::byte{9});
      return 0;
    }) == 0);
  }
  arena().leave();
}

BOOST_AUTO_TEST_CASE(memory_goes_back_that_only_a_worker_has_touched) {
  arena().enter();
  piece_of_a_worker(5 * MiB);
  arena().reclaim(worker);
  BOOST_TEST(arena().backed() >= 5 * MiB);
  arena().leave();
  BOOST_TEST(arena().backed() == 0u);
  slab const again = arena().allocate(5 * MiB, slab_arena::parent);
  BOOST_TEST((again.data()[5 * MiB - 1] == std::byte{0}));
}

BOOST_AUTO_TEST_CASE(where_address_space_is_limited_most_of_it_is_left_to_the_program) {
  if (processes::sanitized) return;  // they need more memory than is allowed here
  for (auto const what : {RLIMIT_AS, RLIMIT_FSIZE}) {
    BOOST_TEST(code_of_fork([&] {
      CHILD_CHECK(observe::limit_to_little_more(what));
      CHILD_CHECK(slab_arena::own() != nullptr);
      CHILD_CHECK(slab::allocate(100 * KiB));
      CHILD_CHECK(!slab::allocate(4 * MiB));
      std::size_t const left = 7 * (GiB / 8);
      void* const theirs = ::mmap(nullptr, left, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      CHILD_CHECK(theirs != MAP_FAILED);
      return 0;
    }) == 0);
  }
}

BOOST_AUTO_TEST_CASE(where_shared_memory_is_not_to_be_had_there_is_none) {
  if (processes::sanitized) return;
  for (auto const what : {RLIMIT_AS, RLIMIT_FSIZE}) {
    BOOST_TEST(code_of_fork([&] {
      rlimit const no_more{MiB, MiB};
      CHILD_CHECK(::setrlimit(what, &no_more) == 0);
      CHILD_CHECK(slab_arena::own() == nullptr);
      CHILD_CHECK(!slab::allocate(MiB));
      CHILD_CHECK(!slab_sink().make_room(MiB));
      return 0;
    }) == 0);
  }
}

BOOST_AUTO_TEST_SUITE_END()
