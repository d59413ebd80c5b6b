#define BOOST_TEST_MODULE task_frames
#include "local/task_piece.hpp"
#include "dispatch/tasks/task_store.hpp"

#include <procx/error/exceptions.hpp>
#include <procx/wire/codec.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace px = procx;
using namespace px::detail;

namespace {

constexpr task_head one{.callable = 1}, other{.callable = 1, .entry = 64, .function = -16};

task_run add(task_store& store, std::uint64_t id, task_head const& head, std::string const& argument) {
  px::encode(store.begin(), argument);
  return store.commit(0, id, head);
}

/// The frame of a piece, as a worker would take it apart.
struct arrived {
  std::uint64_t id = 0;
  task_head head;
  std::vector<std::string> arguments;
};
arrived send(task_store const& store, task_piece const& piece) {
  buffer bytes;
  auto const head = piece.head();
  auto const arguments = piece.arguments(store);
  bytes.append(head.data(), head.size());
  bytes.append(arguments.data(), arguments.size());
  BOOST_TEST(bytes.size() == piece.size());

  frame_header const h = frame_header::read(bytes.data());
  BOOST_TEST(bool(h.kind == frame_kind::tasks));
  task_frame::reader reader({h.kind, h.flags, h.id, bytes.bytes().subspan(frame_header::size, h.length)});
  arrived a{h.id, reader.head(), {}};
  while (reader.has_next()) {
    auto in = reader.next(nullptr);
    a.arguments.push_back(make<std::string>(in));
    BOOST_TEST(in.left() == 0u);
  }
  return a;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(task_frames)

BOOST_AUTO_TEST_CASE(what_is_written_to_the_store_arrives_in_one_frame) {
  task_store store;
  task_run run = add(store, 10, other, "a");
  BOOST_TEST(run.append(add(store, 11, other, "b")));
  BOOST_TEST(run.append(add(store, 12, other, "c")));
  arrived const a = send(store, task_piece(run, 77));
  BOOST_TEST(a.id == 77u);
  BOOST_TEST(bool(a.head == other));
  BOOST_TEST(a.arguments == (std::vector<std::string>{"a", "b", "c"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_part_of_a_run_is_that_part_of_the_frame) {
  task_store store;
  task_run run = add(store, 0, one, "0");
  for (std::uint64_t id = 1; id < 6; ++id) run.append(add(store, id, one, std::to_string(id)));
  task_run const back = run.take_back(2), front = run.take_front(1);
  BOOST_TEST(send(store, task_piece(front, 0)).arguments == std::vector<std::string>{"0"});
  BOOST_TEST(send(store, task_piece(run, 0)).arguments == (std::vector<std::string>{"1", "2", "3"}));
  BOOST_TEST(send(store, task_piece(back, 0)).arguments == (std::vector<std::string>{"4", "5"}));
  BOOST_TEST(front.id == 0u);
  BOOST_TEST(run.id == 1u);
  BOOST_TEST(back.id == 4u);
}

BOOST_AUTO_TEST_CASE(only_what_is_alike_and_in_turn_is_one_run) {
  task_store store;
  task_run const first = add(store, 5, one, "x"), next = add(store, 6, one, "y"), longer = add(store, 7, one, "zz"),
                 elsewhere = add(store, 8, other, "aa");
  auto const follows = [](task_run a, task_run const& b) { return a.append(b); };
  BOOST_TEST(follows(first, next));
  BOOST_TEST(!follows(next, first));
  BOOST_TEST(!follows(first, longer));
  BOOST_TEST(!follows(next, longer));
  BOOST_TEST(!follows(longer, elsewhere));
  task_run failed = next;
  failed.exceptions = 1;
  BOOST_TEST(!follows(first, failed));
}

BOOST_AUTO_TEST_CASE(a_frame_takes_in_tasks_of_any_length_that_call_the_same_up_to_its_limit) {
  task_store store;
  task_run const a = add(store, 0, one, "short"), b = add(store, 9, one, "quite a bit longer"), c = add(store, 10, other, "");
  task_piece piece(a, 3);
  BOOST_TEST(!task_piece(a, 3).append(task_piece(b, 4), a.bytes() + b.bytes() - 1));
  BOOST_TEST(!task_piece(a, 3).append(task_piece(b, 5), 1000));
  BOOST_TEST(piece.append(task_piece(b, 4), a.bytes() + b.bytes()));
  BOOST_TEST(!piece.append(task_piece(c, 5), 1000));
  BOOST_TEST(piece.tasks() == 2u);
  BOOST_TEST(send(store, piece).arguments == (std::vector<std::string>{"short", "quite a bit longer"}));
}

BOOST_AUTO_TEST_CASE(what_was_written_elsewhere_becomes_runs_of_one_length) {
  for (std::size_t const many : {1u, 2000u}) {  // copied, and taken over
    task_store store;
    buffer written;
    std::vector<std::string> const all{"a", "b", "ccc", "ddd", "eee"};
    for (std::size_t i = 0; i < many; ++i)
      for (std::string const& s : all) {
        std::uint64_t const size = 8 + s.size();
        written.append(&size, sizeof size);
        px::encode(written, s);
      }
    auto at = store.adopt(written);
    std::vector<std::string> seen;
    std::uint64_t id = 0;
    for (std::uint32_t left = static_cast<std::uint32_t>(many * all.size()); left > 0;) {
      task_run const run = store.add(at, left, one, 0, id);
      BOOST_TEST(run.count == (id % 5 == 0 ? 2u : 3u));
      at.offset += run.bytes();
      left -= run.count;
      id += run.count;
      for (std::string& s : send(store, task_piece(run, id)).arguments) seen.push_back(std::move(s));
      store.erase(run);
    }
    store.all_added(at);
    BOOST_TEST(seen.size() == many * all.size());
    for (std::size_t i = 0; i < seen.size(); ++i) BOOST_REQUIRE(seen[i] == all[i % all.size()]);
    BOOST_TEST(store.bytes() == 0u);
  }
}

BOOST_AUTO_TEST_CASE(a_frame_that_is_cut_off_is_refused) {
  task_store store;
  task_piece const piece(add(store, 0, one, "some text"), 0);
  buffer bytes;
  auto const head = piece.head();
  bytes.append(head.data(), head.size());
  bytes.append(piece.arguments(store).data(), piece.arguments(store).size());
  for (std::size_t n = 0; n < bytes.size() - frame_header::size; ++n) {
    frame const f{frame_kind::tasks, 0, 0, bytes.bytes().subspan(frame_header::size, n)};
    auto const take = [&] {
      task_frame::reader reader(f);
      if (reader.has_next()) reader.next(nullptr);
      else throw px::protocol_error("nothing in it");
    };
    BOOST_CHECK_THROW(take(), px::protocol_error);
  }
}

BOOST_AUTO_TEST_SUITE_END()
