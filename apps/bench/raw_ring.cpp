// The peer by hand without pipes: a ring in shared memory in each direction, and a doorbell (a futex) for who sleeps.
// Nobody spins.

#include "small_task.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <new>

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bench {
namespace {

/// A word that one side waits at until the other rings; whoever rings makes a system call only if somebody sleeps.
class doorbell {
 public:
  std::uint32_t look() const noexcept { return rings_.load(std::memory_order_acquire); }
  void wait(std::uint32_t seen) noexcept {
    asleep_.store(1);
    if (rings_.load() == seen) ::syscall(SYS_futex, &rings_, FUTEX_WAIT, seen, nullptr, nullptr, 0);
    asleep_.store(0);
  }
  void ring() noexcept {
    rings_.fetch_add(1);
    if (asleep_.load()) ::syscall(SYS_futex, &rings_, FUTEX_WAKE, 1, nullptr, nullptr, 0);
  }

 private:
  alignas(64) std::atomic<std::uint32_t> rings_ = 0;
  std::atomic<std::uint32_t> asleep_ = 0;
};

/// One writer, one reader; what is written is seen when it is published.
template <class T>
class ring {
 public:
  bool full() const noexcept { return next_ - tail_.load(std::memory_order_acquire) == places_.size(); }
  void put(T const& value) noexcept { places_[next_++ % places_.size()] = value; }
  void publish() noexcept { head_.store(next_, std::memory_order_release); }
  template <class Take>
  std::size_t take_all(Take take) {
    std::uint64_t const head = head_.load(std::memory_order_acquire);
    std::uint64_t const from = tail_.load(std::memory_order_relaxed);
    for (std::uint64_t at = from; at != head; ++at) take(places_[at % places_.size()]);
    tail_.store(head, std::memory_order_release);
    return head - from;
  }

 private:
  alignas(64) std::atomic<std::uint64_t> head_ = 0;
  std::uint64_t next_ = 0;  // the writer's
  alignas(64) std::atomic<std::uint64_t> tail_ = 0;
  alignas(64) std::array<T, 2048> places_;
};

struct ring_task {
  std::uint64_t id;
  task_argument argument;
};
struct ring_result {
  std::uint64_t id;
  task_result result;
};

struct shared_rings {
  struct lane {
    ring<ring_task> tasks;
    ring<ring_result> results;
    doorbell work;
  };
  std::array<lane, 2> lanes;
  doorbell done;
  std::atomic<bool> end = false;
};

void work(shared_rings& all, shared_rings::lane& mine) {
  for (;;) {
    std::uint32_t const seen = mine.work.look();
    std::size_t const taken = mine.tasks.take_all([&](ring_task const& t) { mine.results.put({t.id, do_task(t.argument)}); });
    if (taken) {
      mine.results.publish();
      all.done.ring();
    } else if (all.end) {
      return;
    } else {
      mine.work.wait(seen);
    }
  }
}

}  // namespace

measured ring_tasks(std::size_t count, std::size_t window) {
  stopwatch const time;
  void* const memory =
      ::mmap(nullptr, sizeof(shared_rings), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  check(memory != MAP_FAILED, "no shared memory");
  auto& all = *new (memory) shared_rings;
  pid_t workers[2];
  for (std::size_t i = 0; i < 2; ++i) {
    workers[i] = ::fork();
    check(workers[i] >= 0, "cannot fork");
    if (workers[i] == 0) {
      work(all, all.lanes[i]);
      ::_exit(0);
    }
  }

  results_in_order results;
  std::array<std::size_t, 2> in_flight{};
  std::uint64_t next = 0;
  while (results.taken() < count) {
    std::uint32_t const seen = all.done.look();
    std::size_t taken = 0, given = 0;
    for (std::size_t i = 0; i < 2; ++i) {
      auto& lane = all.lanes[i];
      std::size_t const n = lane.results.take_all([&](ring_result const& r) { results.put(r.id, r.result); });
      in_flight[i] -= n;
      taken += n;
      results.take();
      std::size_t const before = next;
      for (; in_flight[i] < window && next < count && results.has_room(next) && !lane.tasks.full(); ++next, ++in_flight[i])
        lane.tasks.put({next, task_number(next)});
      if (next == before) continue;
      given += next - before;
      lane.tasks.publish();
      lane.work.ring();
    }
    if (taken == 0 && given == 0) all.done.wait(seen);
  }
  all.end = true;
  for (auto& lane : all.lanes) lane.work.ring();
  for (pid_t const worker : workers) ::waitpid(worker, nullptr, 0);
  double const each = time.ns_each(count);
  results.sum().check_all(count, true);
  ::munmap(memory, sizeof(shared_rings));
  return {each};
}

}  // namespace bench
