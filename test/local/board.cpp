#define BOOST_TEST_MODULE board
#include "local/board.hpp"

#include "support/observe.hpp"

#include <procx/detail/wire/frame.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <atomic>
#include <cstring>
#include <span>
#include <thread>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace px = procx;
using shared_board = px::detail::board;
using px::detail::board_slot;
using px::detail::frame_header;
using px::detail::frame_kind;

namespace {

using copy = std::array<std::byte, board_slot::results_size>;

constexpr std::size_t payload = 64;
constexpr std::size_t frame_size = frame_header::size + payload;

/// Appends one result as a worker does: all of it is there before it is counted.
void append(board_slot& slot, std::uint64_t id) {
  std::uint64_t const end = slot.results_end.load(std::memory_order_relaxed);
  frame_header{frame_kind::value, 0, payload, id}.write(slot.results.data() + end);
  std::memset(slot.results.data() + end + frame_header::size, static_cast<int>(id % 251), payload);
  slot.results_end.store(end + frame_size, std::memory_order_release);
}

/// Empties it as a worker does, who has written all to its pipe.
void empty(board_slot& slot) {
  slot.results_epoch.fetch_add(1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  slot.results_end.store(0, std::memory_order_release);
  slot.results_epoch.fetch_add(1, std::memory_order_release);
}

/// Whether these are whole frames with consecutive numbers, each with its own content.
bool is_consistent(std::span<std::byte const> frames) {
  std::uint64_t expected = 0;
  for (bool first = true; !frames.empty(); first = false) {
    if (frames.size() < frame_size) return false;
    frame_header const h = frame_header::read(frames.data());
    if (h.length != payload || h.kind != frame_kind::value || (!first && h.id != expected)) return false;
    for (std::size_t i = 0; i < payload; ++i)
      if (frames[frame_header::size + i] != static_cast<std::byte>(h.id % 251)) return false;
    expected = h.id + 1;
    frames = frames.subspan(frame_size);
  }
  return true;
}

void write_for_ever(board_slot& slot, std::atomic<bool> const& enough) {
  for (std::uint64_t id = 0; !enough.load(std::memory_order_relaxed); ++id) {
    if (id % 97 == 96) empty(slot);
    append(slot, id);
  }
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(board, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(a_new_board_is_one_of_idle_workers) {
  shared_board b(64);
  for (std::size_t i = 0; i < 64; ++i) {
    BOOST_TEST(b[i].claimed() == 0u);
    BOOST_TEST(b[i].done.load() == 0u);
    copy into;
    BOOST_TEST(b[i].peek(into).empty());
  }
}

BOOST_AUTO_TEST_CASE(what_is_appended_is_seen_whole_until_it_is_emptied) {
  shared_board b(2);
  copy into;
  for (std::uint64_t id = 0; id < 5; ++id) {
    append(b[1], id);
    auto const seen = b[1].peek(into);
    BOOST_TEST(seen.size() == (id + 1) * frame_size);
    BOOST_TEST(is_consistent(seen));
  }
  BOOST_TEST(b[0].peek(into).empty());
  empty(b[1]);
  BOOST_TEST(b[1].peek(into).empty());
}

BOOST_AUTO_TEST_CASE(nothing_is_believed_while_it_is_being_emptied) {
  shared_board b(1);
  append(b[0], 0);
  b[0].results_epoch.fetch_add(1);
  copy into;
  BOOST_TEST(b[0].peek(into).empty());
  b[0].results_epoch.fetch_add(1);
  BOOST_TEST(b[0].peek(into).size() == frame_size);
}

BOOST_AUTO_TEST_CASE(a_length_that_cannot_be_is_not_believed_beyond_the_end) {
  shared_board b(1);
  b[0].results_end.store(~std::uint64_t{0});
  copy into;
  BOOST_TEST(b[0].peek(into).size() == board_slot::results_size);
}

BOOST_AUTO_TEST_CASE(a_slot_that_is_reset_is_as_new) {
  shared_board b(1);
  append(b[0], 0);
  b[0].claim_word = 3;
  b[0].done = 2;
  b[0].busy_ns = 7;
  b[0].results_epoch = 5;
  b[0].reset();
  copy into;
  BOOST_TEST(b[0].peek(into).empty());
  BOOST_TEST(b[0].claim_word + b[0].done + b[0].busy_ns + b[0].results_epoch == 0u);
}

// The race is part of the design, and the sanitizer would be right to report it.
#if !defined(__SANITIZE_THREAD__)
BOOST_AUTO_TEST_CASE(what_a_thread_writes_meanwhile_is_seen_whole_or_not_at_all) {
  shared_board b(1);
  std::atomic<bool> enough = false;
  std::thread writer([&] { write_for_ever(b[0], enough); });
  copy into;
  int seen = 0, wrong = 0;
  for (int i = 0; i < 5'000 || seen == 0; ++i) {
    auto const frames = b[0].peek(into);
    seen += !frames.empty();
    wrong += !is_consistent(frames);
  }
  enough = true;
  writer.join();
  BOOST_TEST(wrong == 0);
  BOOST_TEST(seen > 0);
}
#endif

BOOST_AUTO_TEST_CASE(what_a_process_writes_meanwhile_is_seen_whole_or_not_at_all) {
  shared_board b(1);
  observe::shared<std::atomic<bool>> enough(false);
  pid_t const writer = ::fork();
  if (writer == 0) {
    write_for_ever(b[0], *enough);
    ::_exit(0);
  }
  copy into;
  int seen = 0, wrong = 0;
  for (int i = 0; i < 5'000 || seen == 0; ++i) {
    auto const frames = b[0].peek(into);
    seen += !frames.empty();
    wrong += !is_consistent(frames);
  }
  *enough = true;
  ::waitpid(writer, nullptr, 0);
  BOOST_TEST(wrong == 0);
  BOOST_TEST(is_consistent(b[0].peek(into)));
}

BOOST_AUTO_TEST_CASE(what_a_killed_process_had_written_is_there) {
  for (int round = 0; round < 10; ++round) {
    shared_board b(1);
    pid_t const writer = ::fork();
    if (writer == 0)
      for (std::uint64_t id = 0;; ++id) {
        if ((id + 1) * frame_size > board_slot::results_size) ::pause();
        b[0].claim_word = id + 1;
        append(b[0], id);
        b[0].done = id + 1;
      }
    while (b[0].done.load() < 50) {}
    ::kill(writer, SIGKILL);
    ::waitpid(writer, nullptr, 0);
    copy into;
    auto const frames = b[0].peek(into);
    BOOST_TEST(is_consistent(frames));
    BOOST_TEST(frames.size() / frame_size >= b[0].done.load());
    BOOST_TEST(frames.size() / frame_size <= b[0].claimed());
  }
}

BOOST_AUTO_TEST_SUITE_END()
