#define BOOST_TEST_MODULE worker_results
#include "local/worker_results.hpp"

#include "support/observe.hpp"
#include "system/io.hpp"

#include <procx/detail/wire/value_series.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <cstring>
#include <random>
#include <span>
#include <vector>

#include <signal.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace procx::detail;

namespace {

using copy = std::array<std::byte, board_slot::results_size>;

/// The result of task `n`: an exception now and then, or else a value of a length that mostly stays for a while.
struct sample {
  explicit sample(std::uint64_t n) : kind(n % 31 == 30 ? frame_kind::exception : frame_kind::value) {
    std::size_t const lengths[] = {16, 16, 16, 5, 0, 1, 300, 16, 8, 8};
    bytes.resize(n % 7 == 6 ? n % 13 : lengths[n / 50 % 10], static_cast<std::byte>(n % 251));
  }
  frame_kind kind;
  std::vector<std::byte> bytes;
};

void add(worker_results& results, std::uint64_t n) {
  sample const s(n);
  if (s.kind == frame_kind::value && results.extend(s.bytes)) return;
  if (!results.has_room(s.bytes.size()) && !results.flush()) std::terminate();
  if (!results.add(s.kind, 0, n, s.bytes)) std::terminate();
}

/// Whether these are the results of tasks that follow each other from `n` on, which is moved behind them.
bool are_of(frame const& f, std::uint64_t& n) {
  if (f.kind == frame_kind::exception) {
    sample const s(n);
    return s.kind == f.kind && f.id == n++ && std::ranges::equal(f.payload, s.bytes);
  }
  auto const values = value_series::of(f);
  if (values.id != n) return false;
  for (std::size_t i = 0; i < values.count; ++i, ++n) {
    sample const s(n);
    if (s.kind != frame_kind::value || !std::ranges::equal(values.payload(i), s.bytes)) return false;
  }
  return true;
}

/// Likewise of what was on the board, from wherever that begins.
bool is_consistent(std::span<std::byte const> board, std::uint64_t* end = nullptr) {
  std::uint64_t n = board.empty() ? 0 : frame_header::read(board.data()).id & 0xffff'ffff'ffff;
  while (auto const f = worker_results::next_of(board))
    if (!are_of(*f, n)) return false;
  if (end) *end = n;
  return board.empty();
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(worker_results_, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(values_of_one_length_have_one_header) {
  board b(1);
  auto const [read_end, write_end] = make_pipe();
  worker_results results(b[0], write_end);
  std::uint64_t const words[] = {1, 2, 3};
  BOOST_TEST(!results.extend(std::as_bytes(std::span(words, 1))));
  BOOST_TEST(results.add(frame_kind::value, 0, 7, std::as_bytes(std::span(words, 1))));
  BOOST_TEST(results.extend(std::as_bytes(std::span(words + 1, 1))));
  BOOST_TEST(!results.extend(std::as_bytes(std::span(words, 2))));
  BOOST_TEST(results.extend(std::as_bytes(std::span(words + 2, 1))));
  BOOST_TEST(b[0].results_end.load() == frame_header::size + sizeof words);
  BOOST_TEST(results.flush());
  BOOST_TEST(b[0].results_end.load() == 0u);

  frame_reader reader;
  reader.commit(read_some(read_end.get(), reader.prepare()).bytes);
  auto const f = reader.next();
  BOOST_REQUIRE(f.has_value());
  auto const values = value_series::of(*f);
  BOOST_TEST(values.id == 7u);
  BOOST_TEST(values.count == 3u);
  BOOST_TEST(std::ranges::equal(values.bytes(), std::as_bytes(std::span(words))));
  BOOST_TEST(reader.pending() == 0u);
}

BOOST_AUTO_TEST_CASE(what_was_added_is_on_the_board_until_it_is_written_and_then_in_the_pipe) {
  board b(1);
  auto const [read_end, write_end] = make_pipe();
  worker_results results(b[0], write_end);
  frame_reader reader;
  copy into;
  std::uint64_t read = 0, end = 0;
  for (std::uint64_t n = 0; n < 2000; ++n) {
    add(results, n);
    BOOST_REQUIRE(is_consistent(b[0].peek(into), &end));
    BOOST_REQUIRE(end == n + 1);
    if (n % 97 != 96) continue;
    BOOST_REQUIRE(results.flush());
    BOOST_TEST(b[0].peek(into).empty());
    while (read <= n) {
      reader.commit(read_some(read_end.get(), reader.prepare()).bytes);
      while (auto const f = reader.next()) BOOST_REQUIRE(are_of(*f, read));
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_larger_than_the_board_is_written_at_once) {
  board b(1);
  auto const [read_end, write_end] = make_pipe();
  worker_results results(b[0], write_end);
  std::vector<std::byte> const large(board_slot::results_size - frame_header::size + 1);
  BOOST_TEST(!results.has_room(large.size()));
  pid_t const reader_process = ::fork();
  if (reader_process == 0) {
    ::alarm(20);
    frame_reader reader;
    while (!reader.has_next()) reader.commit(read_some(read_end.get(), reader.prepare()).bytes);
    auto const f = reader.next();
    ::_exit(f->kind == frame_kind::value && f->id == 3 && f->payload.size() == large.size() ? 0 : 1);
  }
  BOOST_TEST(results.add(frame_kind::value, 0, 3, large));
  int status = -1;
  ::waitpid(reader_process, &status, 0);
  BOOST_TEST(status == 0);
}

BOOST_AUTO_TEST_CASE(whenever_it_is_killed_all_that_was_done_is_there) {
  std::mt19937 random(1);
  for (int round = 0; round < 40; ++round) {
    board b(1);
    auto const [read_end, write_end] = make_pipe();
    pid_t const writer = ::fork();
    if (writer == 0) {
      ::alarm(20);
      worker_results results(b[0], write_end);
      for (std::uint64_t n = 0;; ++n) {
        if (b[0].results_end.load() > board_slot::results_size - 400) ::pause();
        add(results, n);
        b[0].done = n + 1;
      }
    }
    for (std::uint64_t const wanted = 1 + random() % 1500; b[0].done.load() < wanted;) {}
    ::kill(writer, SIGKILL);
    ::waitpid(writer, nullptr, 0);
    std::uint64_t end = 0;
    BOOST_TEST(is_consistent(std::span(b[0].results).first(b[0].results_end.load()), &end));
    BOOST_TEST(end >= b[0].done.load());
    BOOST_TEST(end <= b[0].done.load() + 1);
  }
}

BOOST_AUTO_TEST_CASE(whoever_looks_meanwhile_sees_whole_results_or_none) {
  board b(1);
  observe::shared<std::atomic<bool>> enough(false);
  descriptor const nowhere = descriptor::take(::open("/dev/null", O_WRONLY | O_CLOEXEC), "/dev/null");
  pid_t const writer = ::fork();
  if (writer == 0) {
    ::alarm(20);
    worker_results results(b[0], nowhere);
    for (std::uint64_t n = 0; !*enough; ++n) {
      add(results, n);
      if (n % 307 == 0 && !results.flush()) std::terminate();
    }
    ::_exit(0);
  }
  copy into;
  int seen = 0, wrong = 0;
  for (int i = 0; i < 5'000 || seen < 100; ++i) {
    auto const board = b[0].peek(into);
    seen += !board.empty();
    wrong += !is_consistent(board);
  }
  *enough = true;
  ::waitpid(writer, nullptr, 0);
  BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(nonsense_on_the_board_gives_whole_frames_or_nothing) {
  std::mt19937 random(2);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::byte> board(random() % 100);
    for (std::byte& x : board) x = static_cast<std::byte>(random() % 4 ? 0 : random());
    std::span<std::byte const> left = board;
    for (std::size_t before = left.size(); auto const f = worker_results::next_of(left); before = left.size()) {
      BOOST_REQUIRE(left.size() < before);
      BOOST_REQUIRE(f->payload.size() <= before - frame_header::size);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
