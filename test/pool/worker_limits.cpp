#define BOOST_TEST_MODULE worker_limits
#include "process/resources/control_group.hpp"
#include "support/observe.hpp"
#include "support/processes.hpp"
#include "system/descriptor.hpp"

#include <procx/procx.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstring>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

namespace px = procx;
using namespace std::chrono_literals;

namespace {

std::vector<int> numbers(int count) {
  std::vector<int> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

std::size_t fill(std::size_t bytes) {
  std::vector<char> memory(bytes, 'x');
  return static_cast<std::size_t>(memory.back() == 'x') * bytes;
}

constexpr std::size_t MiB = 1 << 20;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(limits, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(a_task_that_takes_too_much_memory_fails_and_its_worker_goes_on,
                     *boost::unit_test::enable_if<!observe::instrumented>()) {
  auto r = px::pmap([](std::size_t n) { return fill(n * MiB) ? ::getpid() : 0; }, std::vector<std::size_t>{1, 500, 100, 2},
                    {.workers = 1, .memory_limit = 200 * MiB});
  pid_t const worker = r[0];
  BOOST_CHECK_EXCEPTION(r[1], px::remote_exception, [](px::remote_exception const& e) {
    return e.type_name() == "std::bad_alloc" && e.message().find("209715200 bytes") != std::string::npos;
  });
  BOOST_TEST(r[2] == worker);
  BOOST_TEST(r[3] == worker);
}

BOOST_AUTO_TEST_CASE(arguments_that_take_too_much_memory_fail_their_task_and_its_worker_goes_on,
                     *boost::unit_test::enable_if<!observe::instrumented>()) {
  auto const count = [](std::vector<std::string> const& v) { return std::pair(v.size(), ::getpid()); };
  px::process_pool pool({.workers = 1, .memory_limit = 32 * MiB});
  pid_t const worker = pool.submit(count, std::vector<std::string>(3)).get().second;
  for (int round = 0; round < 2; ++round) {
    auto too_large = pool.submit(count, std::vector<std::string>(1'500'000, std::string(50, 'x')));
    auto behind = pool.submit(count, std::vector<std::string>(3));
    BOOST_CHECK_EXCEPTION(too_large.get(), px::remote_exception,
                          [](px::remote_exception const& e) { return e.type_name() == "std::bad_alloc"; });
    BOOST_TEST((behind.get() == std::pair(std::size_t{3}, worker)));
  }
}

BOOST_AUTO_TEST_CASE(the_limit_is_beyond_what_the_worker_has_already) {
  std::vector<char> const mine(300 * MiB, 'm');
  auto r = px::pmap([&](int i) { return mine[static_cast<std::size_t>(i)] + static_cast<int>(fill(MiB) / MiB); },
                    numbers(3), {.workers = 1, .memory_limit = 100 * MiB});
  BOOST_TEST(r.to_vector() == std::vector<int>(3, 'm' + 1));
}

BOOST_AUTO_TEST_CASE(one_that_gets_around_the_limit_is_killed_for_it) {
  // The limit of address space is lifted by the task itself; what is resident is seen nevertheless.
  auto greedy = [](int n) {
    if (n == 1) {
      rlimit lifted{};
      ::getrlimit(RLIMIT_AS, &lifted);
      lifted.rlim_cur = lifted.rlim_max;
      ::setrlimit(RLIMIT_AS, &lifted);
      std::vector<char> const memory(400 * MiB, 'x');
      for (;;) ::pause();
    }
    return n;
  };
  auto r = px::pmap(greedy, numbers(3), {.workers = 1, .memory_limit = 100 * MiB});
  BOOST_TEST(r[0] == 0);
  BOOST_TEST(r[2] == 2);
  BOOST_CHECK_EXCEPTION(r[1], px::process_died, [](px::process_died const& e) {
    return e.certificate()->cause == px::death_cause::memory_limit && e.status().signal() == SIGKILL;
  });
}

BOOST_AUTO_TEST_CASE(workers_accept_niceness_processors_and_resources) {
  auto tell = [](int) {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    return std::vector<long>{::getpriority(PRIO_PROCESS, 0), static_cast<long>(files.rlim_cur), ::sched_getcpu()};
  };
  int const here = ::getpriority(PRIO_PROCESS, 0);
  cpu_set_t mine;
  BOOST_REQUIRE(::sched_getaffinity(0, sizeof mine, &mine) == 0);
  unsigned last = 0;
  for (unsigned i = 0; i < CPU_SETSIZE; ++i)
    if (CPU_ISSET(i, &mine)) last = i;
  auto r = px::pmap(tell, numbers(20),
                    {.workers = 2,
                     .limits = {.niceness = 3, .processors = {last}, .resources = {{RLIMIT_NOFILE, 123}}}});
  for (auto const& told : r) {
    BOOST_TEST(told[0] == here + 3);
    BOOST_TEST(told[1] == 123);
    BOOST_TEST(told[2] == static_cast<long>(last));
  }
  BOOST_TEST(::getpriority(PRIO_PROCESS, 0) == here);
}

BOOST_AUTO_TEST_CASE(a_limit_beyond_what_may_be_had_is_what_may_be_had, *boost::unit_test::enable_if<!observe::instrumented>()) {
  constexpr std::size_t no_limit = ~std::size_t{0};
  for (bool const hard : {true, false})
    for (std::size_t const limit : {4096 * MiB, no_limit - 1, no_limit})
      BOOST_TEST(processes::code_of_fork([&] {
                   rlimit bound{};
                   if (!observe::limit_to_little_more(RLIMIT_AS, hard)) return 2;
                   ::getrlimit(RLIMIT_AS, &bound);
                   auto tell = [bound](int) {
                     rlimit mine{}, files{};
                     ::getrlimit(RLIMIT_AS, &mine);
                     ::getrlimit(RLIMIT_NOFILE, &files);
                     return mine.rlim_cur == bound.rlim_cur && files.rlim_cur == files.rlim_max;
                   };
                   px::worker_limits limits{.resources = {{RLIMIT_NOFILE, RLIM_INFINITY - 1}}, .recycle_after_memory = limit};
                   auto r = px::pmap(tell, numbers(3), {.workers = 1, .memory_limit = limit, .limits = limits});
                   px::queue<bool> q({.memory_limit = limit, .limits = limits});
                   q.start(px::make_parallel(tell), 1);
                   return r.to_vector() == std::vector<bool>(3, true) && *q.next() ? 0 : 1;
                 }) == 0);
}

BOOST_AUTO_TEST_CASE(limits_for_a_worker_that_cannot_be_are_named_with_their_values) {
  auto const why = [](px::worker_limits const& limits) {
    auto r = px::pmap([](int n) { return n; }, numbers(1), {.workers = 1, .limits = limits});
    std::string text;
    for (auto const& o : r.outcomes()) text = o.what();
    return text;
  };
  std::string const resource = why({.resources = {{9999, 77}}});
  BOOST_TEST(resource.find("the resource limit 9999, which is to be 77") != std::string::npos, resource);
  std::string const processors = why({.processors = {1000, 1001}});
  BOOST_TEST(processors.find("cannot choose these processors: 1000, 1001") != std::string::npos, processors);
}

BOOST_AUTO_TEST_CASE(a_limit_that_is_refused_is_an_error_not_a_loop) {
  auto r = px::pmap([](int n) { return n; }, numbers(3), {.workers = 2, .limits = {.resources = {{9999, 1}}}});
  for (auto const& o : r.outcomes()) {
    BOOST_TEST(!o);
    BOOST_TEST(o.what().find("resource limit") != std::string::npos, o.what());
  }
}

/// Starts a process that leaves its group, and tells which.
pid_t start_a_deserter(int) {
  pid_t const child = ::fork();
  if (child == 0) {
    ::setsid();
    ::alarm(60);
    for (;;) ::pause();
  }
  return child;
}

BOOST_AUTO_TEST_CASE(what_has_left_the_process_group_has_not_left_the_control_group) {
  if (!px::detail::control_group::make()) {
    BOOST_TEST_MESSAGE("no control group can be made here");
    return;
  }
  std::vector<pid_t> deserters;
  {
    px::process_pool pool({.workers = 2, .limits = {.recycle_after_tasks = 1, .control_groups = true}});
    for (int n : numbers(5)) deserters.push_back(pool.submit(start_a_deserter, n).get());
    BOOST_TEST(observe::has_ended(deserters.front()));  // with its worker, while the pool goes on
    // A new nursery takes the place of the old one, whose end is not that of the pool.
    auto const again = pool.add([&](int n) { return start_a_deserter(n); });
    deserters.push_back(pool.submit(again, 1).get());
  }
  for (pid_t pid : deserters) BOOST_TEST(observe::has_ended(pid));
}

BOOST_AUTO_TEST_CASE(nor_is_anything_left_when_the_program_is_killed) {
  if (!px::detail::control_group::make()) return;
  auto [out, in] = px::detail::make_pipe();
  pid_t const program = ::fork();
  if (program == 0) {
    px::process_pool pool({.workers = 1, .limits = {.control_groups = true}});
    pid_t const pid = pool.submit(start_a_deserter, 1).get();
    if (::write(in.get(), &pid, sizeof pid) != sizeof pid) ::_exit(1);
    for (;;) ::pause();
  }
  pid_t deserter = 0;
  BOOST_TEST(::read(out.get(), &deserter, sizeof deserter) == static_cast<ssize_t>(sizeof deserter));
  ::kill(program, SIGKILL);
  ::waitpid(program, nullptr, 0);
  BOOST_TEST(observe::has_ended(deserter));
}

BOOST_AUTO_TEST_CASE(a_worker_ends_after_so_many_tasks) {
  for (int const workers : {1, 2})
    for (std::size_t const most : {1, 3, 10}) {
      auto r = px::pmap([](int) { return ::getpid(); }, numbers(60),
                        {.workers = workers, .limits = {.recycle_after_tasks = most}});
      std::map<pid_t, std::size_t> tasks;
      for (pid_t pid : r) ++tasks[pid];
      BOOST_TEST(tasks.size() >= 60 / most);
      for (auto const& [pid, count] : tasks) BOOST_TEST(count <= most);
    }
}

BOOST_AUTO_TEST_CASE(a_worker_that_leaks_is_replaced) {
  auto leak = [](int) {
    static std::vector<char*> lost;
    lost.push_back(new char[8 * MiB]);
    std::memset(lost.back(), 1, 8 * MiB);
    ::usleep(15'000);  // long enough to be looked at
    return ::getpid();
  };
  auto r = px::pmap(leak, numbers(30), {.workers = 1, .limits = {.recycle_after_memory = 40 * MiB}, .window = 2});
  std::map<pid_t, int> tasks;
  for (pid_t pid : r) ++tasks[pid];
  BOOST_TEST(tasks.size() >= 2u);
}

BOOST_AUTO_TEST_CASE(so_is_one_that_leaks_in_tasks_that_nobody_sees_run) {
  px::process_pool pool({.workers = 1, .limits = {.recycle_after_memory = 32 * MiB}});
  auto const leak = [](int) {
    // Not from the heap, which may have free memory left that was resident before.
    void* const lost = ::mmap(nullptr, 8 * MiB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (lost != MAP_FAILED) std::memset(lost, 1, 8 * MiB);
    return ::getpid();
  };
  std::map<pid_t, int> tasks;
  for (int const n : numbers(40)) {
    ++tasks[pool.submit(leak, n).get()];
    std::this_thread::sleep_for(2ms);  // nothing runs: nobody has a reason to look
  }
  BOOST_TEST(tasks.size() >= 4u);
  for (auto const& [pid, count] : tasks) BOOST_TEST(count <= 10);
}

BOOST_AUTO_TEST_CASE(a_backoff_for_ever_is_one) {
  px::process_pool pool({.workers = 1, .retries = 1, .backoff = std::chrono::nanoseconds::max()});
  observe::shared<std::atomic<int>> const runs;
  auto const work = pool.add([&](int n) {
    if (n == 0 && ++*runs) throw std::runtime_error("not yet");
    return n;
  });
  auto first = pool.submit(work, 0);
  for (int n = 1; n < 50; ++n) BOOST_TEST(pool.submit(work, n).get() == n);
  BOOST_TEST((first.wait_for(30ms) == std::future_status::timeout));
  BOOST_TEST(*runs == 1);
  pool.stop();
  BOOST_CHECK_THROW(first.get(), px::task_cancelled);
}

BOOST_AUTO_TEST_CASE(second_attempts_wait_longer_each_time) {
  observe::shared<std::array<std::chrono::steady_clock::time_point, 8>> const times;
  observe::shared<std::atomic<int>> const count;
  auto failing = [&](int n) {
    if (n == 1) {
      (*times)[static_cast<std::size_t>((*count)++)] = std::chrono::steady_clock::now();
      if (*count < 4) throw std::runtime_error("not yet");
    }
    return n;
  };
  auto r = px::pmap(failing, numbers(50), {.workers = 2, .retries = 3, .backoff = 20ms});
  BOOST_TEST(r.to_vector() == numbers(50));
  BOOST_TEST(*count == 4);
  BOOST_TEST(((*times)[1] - (*times)[0] >= 20ms));
  BOOST_TEST(((*times)[2] - (*times)[1] >= 40ms));
  BOOST_TEST(((*times)[3] - (*times)[2] >= 80ms));
}

BOOST_AUTO_TEST_CASE(a_task_that_waits_for_its_second_attempt_can_be_cancelled_and_left) {
  auto failing = [](int) -> int { throw std::runtime_error("never"); };
  {
    auto r = px::pmap(failing, numbers(3), {.workers = 1, .retries = 3, .backoff = 1h});
    // Destroyed while all of them wait.
  }
  px::process_pool pool({.workers = 1, .retries = 3, .backoff = 1h});
  auto waiting = pool.submit(failing, 1);
  BOOST_TEST((waiting.wait_for(100ms) == std::future_status::timeout));
  pool.stop();
  BOOST_CHECK_THROW(waiting.get(), px::task_cancelled);
}

BOOST_AUTO_TEST_CASE(who_is_to_be_killed_is_asked_first) {
  static observe::shared<int> const told;
  auto polite = [](int n) {
    if (n == 1) {
      std::signal(SIGTERM, [](int) {
        *told = 1;
        ::_exit(0);
      });
      for (;;) ::pause();
    }
    return n;
  };
  auto r = px::pmap(polite, numbers(3), {.workers = 1, .task_timeout = 50ms});
  BOOST_TEST(r[2] == 2);
  BOOST_CHECK_THROW(r[1], px::task_timeout);
  BOOST_TEST(*told == 1);
}

BOOST_AUTO_TEST_CASE(who_does_not_go_is_killed_after_the_grace) {
  for (auto const grace : {0ms, 100ms}) {
    auto deaf = [](int n) {
      if (n == 1) {
        std::signal(SIGTERM, SIG_IGN);
        for (;;) ::pause();
      }
      return n;
    };
    auto r = px::pmap(deaf, numbers(3), {.workers = 1, .task_timeout = 50ms, .grace = grace});
    BOOST_TEST(r[2] == 2);
    BOOST_CHECK_EXCEPTION(r[1], px::task_timeout,
                          [](px::task_timeout const& e) { return e.certificate()->status.signal() == SIGKILL; });
  }
}

BOOST_AUTO_TEST_SUITE_END()
