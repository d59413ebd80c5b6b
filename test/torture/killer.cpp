// Workers and nurseries are killed, broken and stopped at random while they work: no task is lost, and nothing remains.
//
// PROCX_KILLER_TASKS says how many tasks there are in all (scripts/torture killer: a million), PROCX_KILLER_SEED which
// random numbers are drawn,
// PROCX_KILLER_PART the one part, from 0, that is to be run alone.
#define BOOST_TEST_MODULE killer
#include "memory/slab_arena.hpp"
#include "process/process_state.hpp"
#include "support/observe.hpp"
#include "workload/workload.hpp"

#include <procx/pool/process_pool.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;
using workload::mode;
namespace px = procx;

unsigned long number_from(char const* variable, unsigned long otherwise) {
  char const* const text = std::getenv(variable);
  return text ? std::strtoul(text, nullptr, 10) : otherwise;
}

struct signal_counts {
  std::atomic<unsigned> killed = 0, broken = 0, stopped = 0, continued = 0, nurseries = 0;
  unsigned fatal() const { return killed + broken; }
};

/// A process of its own that sends signals to the children of its parent, and to theirs, until it is killed.
class killer {
 public:
  /// A signal each `pause` or so, but none before another task has begun, if that is not too long: eight workers in a row
  /// that have no time to do anything would end the work, as is documented. If `for_good`, what is stopped may stay so.
  killer(std::uint64_t seed, std::chrono::microseconds pause, bool for_good)
      : pause_(static_cast<unsigned>(pause.count())), for_good_(for_good), random_(seed) {
    parent_ = ::getpid();
    begun_ = workload::begun();
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent_) ::_exit(0);  // it died before the line above
    pid_ = ::getpid();
    for (;;) hit_one();
  }
  ~killer() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  signal_counts const& counts() const { return *counts_; }

 private:
  unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }

  void hit_one() {
    ::usleep(pause_ / 8 + below(2 * pause_));
    if (workload::begun() == begun_ && ++patience_ < 100) return;
    patience_ = 0;
    begun_ = workload::begun();
    std::vector<pid_t> first = observe::children_of(parent_), second;
    std::erase(first, pid_);
    for (pid_t const pid : first)
      for (pid_t const worker : observe::children_of(pid)) second.push_back(worker);
    bool const nursery = !second.empty() && below(12) == 0;
    // Where there are no grandchildren, the children are workers, or a nursery that has none as yet.
    auto const& choice = second.empty() || nursery ? first : second;
    if (choice.empty()) return;
    pid_t const victim = choice[below(static_cast<unsigned>(choice.size()))];
    processes::own_fd const fd = processes::pidfd_of(victim);
    if (fd.get() < 0) return;
    pid_t const its_parent = observe::parent_of(victim);
    if (its_parent != parent_ && observe::parent_of(its_parent) != parent_) return;  // the number is another's by now
    auto const send = [&](int signal) { return ::syscall(SYS_pidfd_send_signal, fd.get(), signal, nullptr, 0) == 0; };
    unsigned const what = below(10);
    if (what == 0) {
      counts_->stopped += send(SIGSTOP);
      if (for_good_ && !nursery && !second.empty() && below(4) == 0) return;
      ::usleep(1000 + below(40'000));
      counts_->continued += send(SIGCONT);
    } else if (what < 3) {
      counts_->broken += send(SIGSEGV);
    } else {
      counts_->killed += send(SIGKILL);
    }
    counts_->nurseries += nursery;
  }

  unsigned pause_;
  bool for_good_;
  std::mt19937_64 random_;
  pid_t parent_ = 0;
  pid_t pid_ = 0;
  std::uint64_t begun_ = 0;  // when the last signal was sent
  int patience_ = 0;
  observe::shared<signal_counts> counts_;
};

struct part {
  mode how;
  std::size_t words;
  unsigned share;  ///< of 1,000 tasks
  std::chrono::nanoseconds task_timeout{0};
};
constexpr std::size_t large = 12 * 1024;
std::vector<part> const parts{
    {mode::queue, 4, 3},
    {mode::map, 4, 3},
    {mode::queue_reuse, 4, 120},
    {mode::map_reuse, 4, 120},
    {mode::pmap, 4, 124},
    {mode::pmap_unordered, 4, 124},
    {mode::process_pool, 4, 110},
    {mode::parallel_queue, 4, 110},
    {mode::pipeline, 4, 120},
    {mode::pipeline_emit, 4, 60},
    {mode::queue_reuse, large, 8},
    {mode::map_reuse, large, 8},
    {mode::pmap, large, 10},
    {mode::pmap_unordered, large, 10},
    {mode::process_pool, large, 10},
    {mode::parallel_queue, large, 10},
    {mode::pipeline, large, 10},
    {mode::pipeline_emit, large, 10},
    {mode::pmap, 4, 10, 200ms},
    {mode::process_pool, 4, 10, 200ms},
    {mode::pipeline, 4, 10, 200ms},
    {mode::parallel_queue, large, 10, 200ms},
};

// A worker that a sanitizer watches takes longer until it has done anything.
constexpr int slowness = observe::instrumented ? 5 : 1;

struct nothing_left {
  std::size_t const descriptors = observe::open_descriptors();

  void check() const {
    auto const until = std::chrono::steady_clock::now() + 3s;
    while (observe::has_children() && std::chrono::steady_clock::now() < until) {
      procx::detail::reap_abandoned();
      ::usleep(1000);
    }
    BOOST_TEST(!observe::has_children());
    BOOST_TEST(observe::open_descriptors() == descriptors);
    if (auto* const arena = procx::detail::slab_arena::own()) {
      BOOST_TEST(arena->in_use() == 0u);
      BOOST_TEST(arena->backed() == 0u);
    }
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(killer_at_large)

BOOST_AUTO_TEST_CASE(every_task_has_one_outcome_and_nothing_remains) {
  auto const tasks = number_from("PROCX_KILLER_TASKS", observe::instrumented ? 5000 : 60'000);
  auto const seed = number_from("PROCX_KILLER_SEED", 4711);
  rlimit const no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  ::alarm(static_cast<unsigned>(100 + tasks / 1000));  // what hangs is killed
  workload::tally all;
  unsigned long signals = 0, deaths = 0, stops = 0, nurseries = 0;
  std::size_t const only = number_from("PROCX_KILLER_PART", parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (only < parts.size() && i != only) continue;
    part const& p = parts[i];
    nothing_left const before;
    workload::plan const plan{.how = p.how,
                              .tasks = std::max(4ul, tasks * p.share / 1000),
                              .words = p.words,
                              .retries = 1000,
                              .task_timeout = p.task_timeout,
                              .spin = 10us};
    auto const began = std::chrono::steady_clock::now();
    std::optional<killer> at_large(std::in_place, seed + i, (p.words == large ? 12ms : 3ms) * slowness, p.task_timeout.count() > 0);
    auto const ended = workload::run(plan);
    signal_counts const& hits = at_large->counts();
    std::printf("%-16s of %5zu words: %s; %u killed, %u broken, %u stopped, %u of them nurseries; %.1f s\n",
                workload::name_of(p.how), p.words, ended.text().c_str(), hits.killed.load(), hits.broken.load(),
                hits.stopped.load(), hits.nurseries.load(),
                std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
    std::fflush(stdout);
    BOOST_TEST(ended.values + ended.failed() == plan.tasks);
    std::size_t const timeouts = ended.failures.contains("task_timeout") ? ended.failures.at("task_timeout") : 0;
    BOOST_TEST(timeouts <= (p.task_timeout.count() > 0 ? hits.stopped.load() : 0));
    BOOST_TEST(ended.failed() == timeouts);  // all others were tried again
    all += ended;
    signals += hits.fatal() + hits.stopped + hits.continued;
    deaths += hits.fatal(), stops += hits.stopped, nurseries += hits.nurseries;
    at_large.reset();
    before.check();
  }
  std::printf("in all: %s; %lu signals, %lu of them fatal, %lu stopped, %lu to nurseries\n", all.text().c_str(), signals, deaths,
              stops, nurseries);
}

BOOST_AUTO_TEST_CASE(a_worker_that_is_stopped_between_two_tasks_is_replaced_if_tasks_have_a_time_limit) {
  nothing_left const before;
  {
    px::process_pool pool({.workers = 1, .task_timeout = 100ms});
    pid_t const first = pool.submit([] { return ::getpid(); }).get();
    ::kill(first, SIGSTOP);
    auto const began = std::chrono::steady_clock::now();
    BOOST_TEST(pool.submit([] { return ::getpid(); }).get() != first);
    BOOST_TEST((std::chrono::steady_clock::now() - began < 8s));
  }
  before.check();
}

BOOST_AUTO_TEST_CASE(a_nursery_that_is_stopped_is_replaced) {
  nothing_left const before;
  {
    px::process_pool pool({.workers = 1});
    pid_t const first = pool.submit([] { return ::getpid(); }).get();
    ::kill(observe::parent_of(first), SIGSTOP);
    ::kill(first, SIGKILL);
    auto const began = std::chrono::steady_clock::now();
    BOOST_TEST(pool.submit([] { return ::getpid(); }).get() != first);
    BOOST_TEST((std::chrono::steady_clock::now() - began < 8s));
  }
  before.check();
}

BOOST_AUTO_TEST_SUITE_END()
