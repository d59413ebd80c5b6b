#define BOOST_TEST_MODULE threads
#include "support/processes.hpp"

#include <procx/channel/start.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace px = procx;
using namespace processes;

constexpr int starts = sanitized ? 10 : 200;

namespace {

/// Threads that hold, again and again or for good, whatever a child could need: the allocator, streams, locks of
/// descriptors. One is blocked reading stdin, and holds its lock.
class busy_threads {
 public:
  busy_threads() {
    saved_stdin_ = own_fd(::dup(STDIN_FILENO));
    ::dup2(never_.read.get(), STDIN_FILENO);
    run([] { ::free(std::realloc(std::malloc(100), 100'000)); });
    run([] { std::vector<std::string>(20, std::string(200, 'x')); });
    run([this] {
      std::FILE* const null = std::fopen("/dev/null", "w");
      if (null) std::fprintf(null, "%d some text\n", stop_.load()), std::fclose(null);
    });
    run([this] { std::lock_guard const lock(mutex_); });
    run([] { std::fflush(stdout); });
    reader_ = std::thread([] {
      char* line = nullptr;
      std::size_t size = 0;
      if (::getline(&line, &size, stdin) < 0) std::clearerr(stdin);
      ::free(line);
    });
  }
  ~busy_threads() {
    stop_ = true;
    never_.write.close();
    reader_.join();
    for (std::thread& t : threads_) t.join();
    ::dup2(saved_stdin_.get(), STDIN_FILENO);
  }

 private:
  template <class Work>
  void run(Work work) {
    threads_.emplace_back([this, work] {
      while (!stop_) {
        for (int i = 0; i < 10; ++i) work();
        std::this_thread::sleep_for(std::chrono::microseconds(50));  // leaves a core to whoever is being tested
      }
    });
  }

  own_pipe never_;
  own_fd saved_stdin_;
  std::atomic<bool> stop_ = false;
  std::mutex mutex_;
  std::vector<std::thread> threads_;
  std::thread reader_;
};

std::string answer(px::channel& up) {
  std::vector<std::string> much(10, std::string(1000, 'y'));
  std::printf("%s", "");
  return much.back() + up.receive<std::string>();
}

}  // namespace

/// The address sanitizers of these compilers do not hold the locks of their allocator over a fork: whoever forks while
/// another thread allocates may get a child that hangs at its first allocation, with procx or without it.
boost::test_tools::assertion_result allocator_survives_forks(boost::unit_test::test_unit_id) {
  boost::test_tools::assertion_result result(!address_sanitized);
  result.message() << "the address sanitizer's allocator does not survive a fork beside threads";
  return result;
}

BOOST_AUTO_TEST_SUITE(with_other_threads)

BOOST_AUTO_TEST_CASE(every_process_that_is_started_answers, *boost::unit_test::precondition(allocator_survives_forks)) {
  busy_threads const others;
  int right = 0;
  for (int i = 0; i < starts; ++i) {
    px::channel ch = px::start([](px::channel& up) { up.send(answer(up)); });
    ch.send(std::to_string(i));
    auto const got = ch.try_receive_for<std::string>(std::chrono::seconds(10));
    BOOST_REQUIRE(got.has_value());
    right += *got == std::string(1000, 'y') + std::to_string(i) && ch.wait().success();
  }
  BOOST_TEST(right == starts);
}

BOOST_AUTO_TEST_CASE(several_threads_may_start_processes_at_the_same_time,
                     *boost::unit_test::precondition(allocator_survives_forks)) {
  std::atomic<int> right = 0;
  std::vector<std::thread> all;
  for (int t = 0; t < 4; ++t)
    all.emplace_back([&] {
      for (int i = 0; i < 10; ++i) {
        px::channel ch = px::start([](px::channel& up) { up.send(answer(up)); });
        ch.send(std::to_string(i));
        right += ch.receive<std::string>().ends_with(std::to_string(i)) && ch.wait().success();
      }
    });
  for (std::thread& t : all) t.join();
  BOOST_TEST(right == 40);
}

BOOST_AUTO_TEST_CASE(a_process_outlives_the_thread_that_started_it) {
  std::optional<px::channel> ch;
  std::thread([&] { ch = px::start([](px::channel& up) { up.send(answer(up)); }); }).join();
  ch->send(std::string("late"));
  BOOST_TEST(ch->receive<std::string>().ends_with("late"));
  BOOST_TEST(ch->wait().success());
}

BOOST_AUTO_TEST_SUITE_END()
