#include "raw.hpp"
#include "small_task.hpp"

#include <array>
#include <cstring>
#include <vector>

#include <sys/epoll.h>

namespace bench {
namespace {

template <class Body>
struct frame {
  std::uint32_t length = sizeof(Body);
  std::uint32_t id = 0;
  Body body{};
};
using task_frame = frame<task_argument>;
using result_frame = frame<task_result>;
static_assert(sizeof(task_frame) == 24 && sizeof(result_frame) == 24);

/// Takes whole frames out of what arrives.
template <class Frame>
class frame_source {
 public:
  /// Reads once, and calls `take` for each frame that is whole; false at the end.
  template <class Take>
  bool read(int fd, Take take) {
    std::size_t const n = read_some(fd, bytes_.data() + filled_, bytes_.size() - filled_);
    filled_ += n;
    std::size_t at = 0;
    for (; filled_ - at >= sizeof(Frame); at += sizeof(Frame)) {
      Frame f;
      std::memcpy(&f, bytes_.data() + at, sizeof f);
      check(f.length == sizeof f.body, "a bad frame");
      take(f);
    }
    std::memmove(bytes_.data(), bytes_.data() + at, filled_ -= at);
    return n > 0;
  }

 private:
  std::array<std::byte, 65536> bytes_;
  std::size_t filled_ = 0;
};

void work(int in, int out) {
  frame_source<task_frame> tasks;
  std::vector<result_frame> results;
  while (tasks.read(in, [&](task_frame const& t) { results.push_back({.id = t.id, .body = do_task(t.body)}); })) {
    if (!results.empty()) write_all(out, results.data(), results.size() * sizeof(result_frame));
    results.clear();
  }
}

/// The parent's loop.
class farm {
 public:
  farm(std::size_t count, std::size_t window) : count_(count), window_(window) {
    check_call(epoll_, "epoll_create1");
    for (std::uint32_t i = 0; i < workers_.size(); ++i) {
      epoll_event event{EPOLLIN, {.u32 = i}};
      check_call(::epoll_ctl(epoll_, EPOLL_CTL_ADD, workers_[i].process.from(), &event), "epoll_ctl");
    }
  }

  task_sum const& run() {
    for (worker& w : workers_) fill(w);
    while (results_.taken() < count_) {
      std::array<epoll_event, 2> events;
      auto const n = check_call(::epoll_wait(epoll_, events.data(), 2, -1), "epoll_wait");
      for (long i = 0; i < n; ++i) serve(workers_[events[static_cast<std::size_t>(i)].data.u32]);
    }
    return results_.sum();
  }

 private:
  struct worker {
    raw_worker process{work};
    frame_source<result_frame> results = {};
    std::size_t in_flight = 0;
    std::vector<task_frame> outgoing = {};
  };

  void serve(worker& w) {
    check(w.results.read(w.process.from(), [&](result_frame const& r) {
      --w.in_flight;
      results_.put(r.id, r.body);
    }), "a worker has ended");
    results_.take();
    for (worker& each : workers_) fill(each);
  }

  void fill(worker& w) {
    for (; w.in_flight < window_ && next_ < count_ && results_.has_room(next_); ++next_, ++w.in_flight)
      w.outgoing.push_back({.id = static_cast<std::uint32_t>(next_), .body = task_number(next_)});
    if (!w.outgoing.empty()) write_all(w.process.to(), w.outgoing.data(), w.outgoing.size() * sizeof(task_frame));
    w.outgoing.clear();
  }

  std::size_t count_;
  std::size_t window_;
  int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);  // open until the process ends
  std::array<worker, 2> workers_;
  results_in_order results_;
  std::size_t next_ = 0;
};

}  // namespace

measured raw_tasks(std::size_t count, std::size_t window) {
  stopwatch const time;
  farm f(count, window);
  task_sum const& sum = f.run();
  double const each = time.ns_each(count);
  sum.check_all(count, true);
  return {each};
}

}  // namespace bench
