#define BOOST_TEST_MODULE stop_all_processes
#include "support/observe.hpp"
#include "support/stopping.hpp"

#include <procx/procx.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <future>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

// A signal to stop that comes to each process of the program, as service managers send it.

namespace px = procx;
using namespace std::chrono_literals;
using stopping::in_own_process;
using stopping::signals_are_prompt;

namespace {

constexpr int count = 12;

struct scene {
  observe::shared<std::atomic<int>> begun;
  observe::shared<std::atomic<bool>> sent;

  /// Runs until all processes have had the signal, and another while.
  auto task() const {
    return [begun = &*begun, sent = &*sent](int n) {
      ++*begun;
      while (!*sent) ::usleep(1000);
      for (int i = 0; i < 20; ++i) ::usleep(1000);
      return n;
    };
  }

  /// As soon as two tasks run, each process of the program gets the signal, from one that made none of them.
  void send_to_all(int signal) const {
    pid_t const program = ::getpid();
    if (::fork() != 0) return;
    while (*begun < 2) ::usleep(1000);
    std::vector<pid_t> all{program};
    for (std::size_t i = 0; i < all.size(); ++i)
      for (pid_t const child : observe::children_of(all[i]))
        if (child != ::getpid()) all.push_back(child);
    for (pid_t const pid : all) ::kill(pid, signal);
    *sent = true;
    ::_exit(0);
  }
};

/// Good ones, and those that were not begun; anything else makes it wrong.
struct tally {
  int good = 0, cancelled = 0;
  bool right = true;

  void add_failure(std::exception_ptr const& error) {
    try {
      std::rethrow_exception(error);
    } catch (px::task_cancelled const& e) {
      ++cancelled;
      right = right && !e.certificate();
    } catch (...) {
      right = false;
    }
  }
  void add(px::outcome<int> const& o) {
    if (!o) return add_failure(o.error());
    ++good;
    right = right && *o == static_cast<int>(o.index());
  }
};

using interface = std::function<void(scene const&, tally&)>;

/// Whether all that was begun is finished, and the rest has its outcome.
bool stops_in_order(interface const& run, int signal) {
  return in_own_process([&] {
    px::stop_on_signals();
    scene s;
    s.send_to_all(signal);
    tally t;
    run(s, t);
    return t.right && t.good == *s.begun && t.good >= 2 && t.good < count && t.good + t.cancelled == count;
  });
}

void by_pmap(scene const& s, tally& t) {
  std::vector<int> numbers;
  for (int n = 0; n < count; ++n) numbers.push_back(n);
  int outcomes = 0;
  auto r = px::pmap(s.task(), numbers, {.workers = 2, .retries = 3, .backoff = 1h});
  for (auto const& o : r.outcomes()) ++outcomes, t.add(o);
  t.cancelled += count - outcomes;  // the last one stands for all that is left of the range
}

void by_pool(scene const& s, tally& t) {
  px::process_pool pool({.workers = 2, .retries = 3, .backoff = 1h});
  auto const work = pool.add(s.task());
  std::vector<std::future<int>> results;
  for (int n = 0; n < count; ++n) results.push_back(pool.submit(work, n));
  for (auto& result : results) try {
      result.get();
      ++t.good;
    } catch (...) {
      t.add_failure(std::current_exception());
    }
}

void by_parallel_queue(scene const& s, tally& t) {
  px::parallel_single_task_queue queue(s.task(), {.workers = 2, .retries = 3, .backoff = 1h});
  for (int n = 0; n < count; ++n) queue.put(n);
  queue.stop();
  for (auto const& o : queue.outcomes()) t.add(o);
}

template <class Exchange, bool reuse>
void by_exchange(scene const& s, tally& t) {
  Exchange q({.limit = 2, .reuse = reuse, .retries = 3, .backoff = 1h});
  auto const work = q.manage(px::make_reusable(s.task()));
  for (int n = 0; n < count; ++n) work(n);
  for (auto const& o : q.outcomes()) t.add(o);
}

void by_channels_that_are_reused(scene const& s, tally& t) {
  px::queue<int> q({.limit = 2, .reuse = true});
  auto const work = q.manage([task = s.task()](px::channel& up, int n) {
    for (std::optional<std::tuple<int>> next{n}; next; next = up.receive<std::optional<std::tuple<int>>>())
      up.send(task(std::get<0>(*next)));
  });
  for (int n = 0; n < count; ++n) work(n);
  for (auto const& o : q.outcomes()) t.add(o);
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(stopping_all, observe::leaves_nothing)

BOOST_AUTO_TEST_CASE(what_runs_is_finished_and_what_waits_has_its_outcome, *boost::unit_test::enable_if<signals_are_prompt>()) {
  std::vector<std::pair<char const*, interface>> const interfaces{
      {"pmap", by_pmap},
      {"process_pool", by_pool},
      {"parallel_queue", by_parallel_queue},
      {"queue", by_exchange<px::queue<int>, false>},
      {"queue, reuse", by_exchange<px::queue<int>, true>},
      {"map", by_exchange<px::map<int>, false>},
      {"map, reuse", by_exchange<px::map<int>, true>},
      {"queue, channels that are reused", by_channels_that_are_reused},
  };
  for (int const signal : {SIGTERM, SIGINT})
    for (auto const& [name, run] : interfaces) BOOST_TEST(stops_in_order(run, signal), name << ", signal " << signal);
}

BOOST_AUTO_TEST_CASE(a_created_process_heeds_its_maker_and_itself) {
  for (auto const method : {px::start_method::fork, px::start_method::nursery, px::start_method::exec})
    BOOST_TEST(in_own_process([&] {
      px::stop_on_signals();
      if (method == px::start_method::nursery) px::start_nursery();
      auto const live = [](px::channel& up) {
        up.send(1);
        for (int n = up.receive<int>(); n > 0; n = up.receive<int>()) up.send(n);
        ::raise(SIGTERM);
      };
      auto const send = [](pid_t to) {
        pid_t const other = ::fork();
        if (other == 0) ::_exit(::kill(to, SIGTERM));
        int status = -1;
        return ::waitpid(other, &status, 0) == other && status == 0;
      };
      bool right = true;
      for (bool const by_maker : {true, false}) {
        px::channel ch = px::start({.method = method}, live);
        right = right && ch.receive<int>() == 1 && send(ch.pid());
        ch.send(5);
        right = right && ch.receive<int>() == 5;
        if (by_maker)
          ch.kill(SIGTERM);
        else
          ch.send(0);
        right = right && ch.wait() == px::exit_status::of_signal(SIGTERM);
      }
      return right;
    }));
}

BOOST_AUTO_TEST_CASE(a_task_that_throws_after_the_signal_is_not_tried_again, *boost::unit_test::enable_if<signals_are_prompt>()) {
  BOOST_TEST(in_own_process([] {
    px::stop_on_signals();
    pid_t const program = ::getpid();
    auto fails = [program](int) -> int {
      ::kill(program, SIGTERM);
      throw std::runtime_error("not today");
    };
    auto r = px::pmap(fails, std::vector<int>{1}, {.workers = 1, .retries = 3, .backoff = 1h});
    try {
      return r[0] < 0;
    } catch (px::remote_exception const& e) {
      return e.message() == "not today";
    }
  }));
}

BOOST_AUTO_TEST_SUITE_END()
