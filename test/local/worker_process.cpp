#define BOOST_TEST_MODULE worker
#include "local/worker_process.hpp"

#include "local/board.hpp"
#include "local/task_frame.hpp"
#include "local/worker_results.hpp"
#include "support/observe.hpp"
#include "support/processes.hpp"
#include "system/io.hpp"

#include <procx/error/exception_record.hpp>
#include <procx/wire/codec.hpp>
#include <procx/detail/wire/value_series.hpp>

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace px = procx;
using namespace px::detail;

namespace {

using call = std::function<std::string(std::string const&)>;

void run_call(void* object, px::input_archive& in, px::output_archive& out) {
  auto const text = make<std::string>(in);
  call_and_save([&] { return (*static_cast<call*>(object))(text); }, out);
}

/// A worker in a child, and the parent's ends of its pipes.
class running_worker {
 public:
  running_worker(std::uint32_t credit, call fn, worker_settings const& how = {}) : reader_(default_frame_limit) {
    auto [task_read, task_write] = make_pipe();
    auto [result_read, result_write] = make_pipe();
    slot().credit = credit;
    pid_ = ::fork();
    if (pid_ == 0) {
      ::alarm(20);
      for (descriptor* d : {&task_read, &result_write}) d->adopt();
      ::close(task_write.get());
      ::close(result_read.get());
      callable_table table;
      table.add(&run_call, std::make_shared<call>(std::move(fn)));
      ::_exit(run_worker(task_read, result_write, slot(), table, how));
    }
    tasks_ = std::move(task_write);
    results_ = std::move(result_read);
  }
  ~running_worker() {
    if (pid_) end();
  }

  board_slot& slot() { return board_[0]; }

  /// Tasks with these arguments, all in one write, and in one frame.
  void send(std::vector<std::string> const& arguments, std::uint32_t place = 0) {
    buffer tasks;
    for (std::string const& a : arguments) {
      std::size_t const at = tasks.size();
      tasks.extend(arguments_length_size);
      px::encode(tasks, a);
      std::uint64_t const size = tasks.size() - at - arguments_length_size;
      std::memcpy(tasks.data() + at, &size, sizeof size);
    }
    buffer out;
    task_frame::write(out.extend(task_frame::extra), claim::of(epoch_, next_).word, {.callable = place}, tasks.size());
    out.append(tasks.data(), tasks.size());
    next_ += arguments.size();
    write(out);
  }
  void write(std::span<std::byte const> bytes) {
    while (!bytes.empty()) bytes = bytes.subspan(write_some(tasks_.get(), bytes).bytes);
  }

  /// Takes back what was not begun; how many have been begun.
  std::uint64_t recall() {
    claim const now = slot().recall();
    epoch_ = now.epoch();
    return next_ = now.count();
  }

  struct result {
    bool value = false;
    std::uint64_t id = 0;
    std::string text;
  };
  /// The next result; waits for it.
  result receive() {
    for (;;) {
      if (values_.count > 0) {
        result const next{true, values_.id, px::decode<std::string>(values_.payload(0))};
        values_.drop_front(1);
        return next;
      }
      if (auto const f = reader_.next()) {
        if (f->kind == frame_kind::exception)
          return {false, f->id, px::decode<px::exception_record>(f->payload).message};
        values_ = value_series::of(*f);
        continue;
      }
      auto const r = read_some(results_.get(), reader_.prepare());
      if (r.end || r.error) return {false, ~std::uint64_t{0}, "end"};
      reader_.commit(r.bytes);
    }
  }
  /// Results that are there after one read: what was written together.
  bool nothing_to_read() { return values_.count == 0 && !reader_.has_next() && !processes::readable(results_.get(), std::chrono::milliseconds(0)); }

  /// No more tasks; how it ended.
  int end() {
    tasks_.close();
    int status = 0;
    ::waitpid(std::exchange(pid_, 0), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  pid_t pid() const { return pid_; }

 private:
  board board_{1};
  pid_t pid_ = 0;
  descriptor tasks_, results_;
  frame_reader reader_;
  value_series values_{};
  std::uint64_t next_ = 0;
  std::uint64_t epoch_ = 0;
};

std::string echo(std::string const& s) { return s; }

}  // namespace

BOOST_FIXTURE_TEST_SUITE(worker, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(it_answers_in_turn_and_ends_with_its_input) {
  running_worker w(4, echo);
  w.send({"a", "b", "c"});
  for (std::uint64_t id = 0; id < 3; ++id) {
    auto const r = w.receive();
    BOOST_TEST(r.value);
    BOOST_TEST(r.id == id);
    BOOST_TEST(r.text == std::string(1, static_cast<char>('a' + id)));
  }
  BOOST_TEST(w.slot().claimed() == 3u);
  BOOST_TEST(w.slot().done.load() == 3u);
  BOOST_TEST(w.end() == 0);
  BOOST_TEST(w.receive().text == "end");
}

BOOST_AUTO_TEST_CASE(results_leave_when_the_input_runs_dry_however_large_the_credit) {
  running_worker w(1024, echo);
  for (int i = 0; i < 20; ++i) {
    w.send({"one"});
    BOOST_TEST(w.receive().text == "one");
  }
}

BOOST_AUTO_TEST_CASE(results_leave_when_half_the_credit_is_done_and_that_took_a_while) {
  observe::gate held;
  running_worker w(8, [&](std::string const& s) {
    if (s == "hold") held.wait();
    if (s == "4") ::usleep(500);
    return s;
  });
  w.send({"1", "2", "3", "4", "hold", "6"});
  for (int i = 1; i <= 4; ++i) BOOST_TEST(w.receive().text == std::to_string(i));
  BOOST_TEST(w.nothing_to_read());
  held.open();
  BOOST_TEST(w.receive().text == "hold");
  BOOST_TEST(w.receive().text == "6");
}

BOOST_AUTO_TEST_CASE(results_that_wait_are_on_the_board) {
  observe::gate held;
  running_worker w(1024, [&](std::string const& s) {
    if (s == "hold") held.wait();
    return s;
  });
  w.send({"1", "2", "3", "hold"});
  while (w.slot().claimed() < 4) ::usleep(100);
  BOOST_TEST(w.slot().done.load() == 3u);
  BOOST_TEST(w.nothing_to_read());
  std::array<std::byte, board_slot::results_size> copy;
  auto frames = w.slot().peek(copy);
  auto const f = worker_results::next_of(frames);
  BOOST_REQUIRE(f.has_value());
  auto const values = value_series::of(*f);
  BOOST_TEST(values.id == 0u);
  BOOST_REQUIRE(values.count == 3u);
  for (std::uint64_t i = 0; i < 3; ++i) BOOST_TEST(px::decode<std::string>(values.payload(i)) == std::to_string(i + 1));
  BOOST_TEST(!worker_results::next_of(frames));
  held.open();
  for (int i = 0; i < 4; ++i) BOOST_TEST(w.receive().value);
  while (w.slot().results_end.load() > 0) ::usleep(100);  // a moment after they were written
  BOOST_TEST(w.slot().peek(copy).empty());
}

BOOST_AUTO_TEST_CASE(results_of_any_size_come_whole_and_in_turn) {
  running_worker w(1024, [](std::string const& s) { return std::string(std::stoul(s), 'x'); });
  std::vector<std::string> sizes;
  for (std::size_t n : {0, 1, 30'000, 30'000, 30'000, 65'500, 65'510, 65'536, 100'000, 3, 2'000'000, 5})
    sizes.push_back(std::to_string(n));
  w.send(sizes);
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    auto const r = w.receive();
    BOOST_TEST(r.value);
    BOOST_TEST(r.id == i);
    BOOST_TEST(r.text.size() == std::stoul(sizes[i]));
  }
}

BOOST_AUTO_TEST_CASE(what_is_thrown_or_too_large_is_told_and_the_next_task_is_run) {
  running_worker w(2, [](std::string const& s) {
    if (s == "throw") throw std::range_error("thrown");
    if (s == "much") return std::string(5000, 'x');
    if (s == "throw much") throw std::range_error(std::string(5000, 'x'));
    return s;
  }, {.frame_limit = 1000});
  w.send({"throw", "a", "much", "b", "throw much", "c"});
  for (int i = 0; i < 6; ++i) {
    auto const r = w.receive();
    BOOST_TEST(r.id == static_cast<std::uint64_t>(i));
    BOOST_TEST(r.value == (i % 2 == 1));
    if (i == 0) BOOST_TEST(r.text == "thrown");
    if (i % 2) BOOST_TEST(r.text == std::string(1, static_cast<char>('a' + i / 2)));
  }
}

BOOST_AUTO_TEST_CASE(a_task_for_a_callable_that_is_not_there_is_refused) {
  running_worker w(2, echo);
  w.send({"a"}, 7);
  BOOST_TEST(!w.receive().value);
  w.send({"b"});
  BOOST_TEST(w.receive().text == "b");
}

BOOST_AUTO_TEST_CASE(it_ends_in_good_order_when_nobody_takes_its_results) {
  running_worker w(2, echo);
  w.send({"a"});
  BOOST_TEST(w.receive().text == "a");
  BOOST_TEST(w.end() == 0);
}

BOOST_AUTO_TEST_CASE(after_a_kill_the_board_tells_what_it_ran_and_keeps_what_it_had_done) {
  running_worker w(1024, [](std::string const& s) {
    if (s == "kill") ::raise(SIGKILL);
    return s;
  });
  w.send({"1", "2", "kill", "4"});
  while (w.slot().claimed() < 3) ::usleep(100);
  BOOST_TEST(w.end() == 128 + SIGKILL);
  BOOST_TEST(w.slot().claimed() == 3u);
  BOOST_TEST(w.slot().done.load() == 2u);
  std::array<std::byte, board_slot::results_size> copy;
  auto left = w.slot().peek(copy);
  auto const f = worker_results::next_of(left);
  BOOST_REQUIRE(f.has_value());
  BOOST_TEST(value_series::of(*f).id == 0u);
  BOOST_TEST(value_series::of(*f).count == 2u);
  BOOST_TEST(w.receive().text == "end");
}

BOOST_AUTO_TEST_CASE(what_was_taken_back_before_it_was_begun_is_passed_over) {
  observe::gate held;
  running_worker w(1024, [&](std::string const& s) {
    if (s == "hold") held.wait();
    return s;
  });
  w.send({"1", "hold", "taken", "taken too"});
  while (w.slot().claimed() < 2) ::usleep(100);
  BOOST_TEST(w.recall() == 2u);
  w.send({"new", "newer"});
  held.open();
  for (std::string const expected : {"1", "hold", "new", "newer"}) BOOST_TEST(w.receive().text == expected);
  BOOST_TEST(w.slot().claimed() == 4u);
  BOOST_TEST(w.recall() == 4u);  // of nothing
  w.send({"last"});
  auto const r = w.receive();
  BOOST_TEST(r.text == "last");
  BOOST_TEST(r.id == 4u);
}

BOOST_AUTO_TEST_CASE(a_recall_and_the_worker_never_disagree) {
  running_worker w(64, echo);
  std::vector<std::string> const some(50, "x");
  std::uint64_t expected = 0;  // the number of the next result
  for (int round = 0; round < 300; ++round) {
    w.send(some);
    if (round % 3) ::usleep(static_cast<useconds_t>(round % 7));
    for (std::uint64_t const begun = w.recall(); expected < begun; ++expected) BOOST_TEST(w.receive().id == expected);
  }
  w.send({"last"});
  BOOST_TEST(w.receive().text == "last");
}

BOOST_AUTO_TEST_CASE(setup_comes_before_the_first_task_and_teardown_after_the_last) {
  std::string said;
  processes::own_pipe told;
  running_worker w(2, [&](std::string const& s) { return said + s; },
                   {.setup = [&] { said = "set up, "; },
                    .teardown = [&] { (void)!::write(told.write.get(), "torn down", 9); }});
  w.send({"a"});
  BOOST_TEST(w.receive().text == "set up, a");
  BOOST_TEST(!processes::readable(told.read.get(), std::chrono::milliseconds(0)));
  BOOST_TEST(w.end() == 0);
  BOOST_TEST(processes::readable(told.read.get(), std::chrono::milliseconds(0)));
}

BOOST_AUTO_TEST_CASE(a_setup_that_throws_says_so_and_runs_nothing) {
  running_worker w(2, echo, {.setup = [] { throw std::runtime_error("no license"); }});
  auto const r = w.receive();
  BOOST_TEST(!r.value);
  BOOST_TEST(r.id == setup_failed);
  BOOST_TEST(r.text == "no license");
  BOOST_TEST(w.end() == 1);
  BOOST_TEST(w.slot().claimed() == 0u);
}

BOOST_AUTO_TEST_CASE(the_copy_of_a_task_that_forked_is_no_worker) {
  running_worker w(2, [](std::string const& s) {
    pid_t const copy = ::fork();
    if (copy) ::waitpid(copy, nullptr, 0);
    return s;
  });
  w.send({"a", "b"});
  BOOST_TEST(w.receive().text == "a");
  BOOST_TEST(w.receive().text == "b");
  BOOST_TEST(w.end() == 0);
  BOOST_TEST(w.receive().text == "end");
}

BOOST_AUTO_TEST_SUITE_END()
