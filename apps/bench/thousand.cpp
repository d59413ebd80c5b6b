// A thousand tasks, each in a forked process of its own, four at a time.

#include "cases.hpp"
#include "raw.hpp"

#include <procx/procx.hpp>

#include <array>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bench {
namespace {

namespace px = procx;

constexpr std::size_t at_a_time = 4;

int square(int n) { return n * n; }

/// A sum of squares, which must be that of [0, count).
class squares {
 public:
  void add(int n) noexcept { sum_ += n; }
  void check_all(int count) const {
    long expected = 0;
    for (int n = 0; n < count; ++n) expected += square(n);
    check(sum_ == expected);
  }

 private:
  long sum_ = 0;
};

measured px_queue(int count) {
  squares sum;
  stopwatch const time;
  {
    px::queue<int> queue({.limit = at_a_time});
    for (int n = 0; n < count; ++n) queue.start(px::make_parallel(square), n);
    for (int const r : queue) sum.add(r);
  }
  double const each = time.microseconds() / count;
  sum.check_all(count);
  return {each};
}

/// The same as one writes it by hand.
class hand_made {
 public:
  measured run(int count) {
    stopwatch const time;
    for (int next = 0; next < count || running_ > 0;) {
      while (next < count && running_ < at_a_time) begin(next++);
      await();
    }
    double const each = time.microseconds() / count;
    sum_.check_all(count);
    return {each};
  }

 private:
  void begin(int n) {
    int ends[2];
    check_call(::pipe(ends), "pipe");
    auto const pid = static_cast<pid_t>(check_call(::fork(), "fork"));
    if (pid == 0) {
      int const result = square(n);
      write_all(ends[1], &result, sizeof result);
      ::_exit(0);
    }
    ::close(ends[1]);
    watched_[running_] = {ends[0], POLLIN, 0};
    pids_[running_] = pid;
    ++running_;
  }

  void await() {
    check_call(::poll(watched_.data(), running_, -1), "poll");
    for (std::size_t i = running_; i-- > 0;) {
      if (watched_[i].revents == 0) continue;
      int result = 0, status = 0;
      check(read_all(watched_[i].fd, &result, sizeof result));
      ::close(watched_[i].fd);
      check(::waitpid(pids_[i], &status, 0) == pids_[i] && status == 0, "it did not end well");
      sum_.add(result);
      --running_;
      watched_[i] = watched_[running_];
      pids_[i] = pids_[running_];
    }
  }

  std::array<pollfd, at_a_time> watched_{};
  std::array<pid_t, at_a_time> pids_{};
  std::size_t running_ = 0;
  squares sum_;
};

}  // namespace

std::vector<race> thousand(effort e) {
  int const count = e.quick ? 20 : 1000;
  return {{
      .title = "tasks in processes of their own, four at a time",
      .unit = "µs a task",
      .reference = "fork, pipe, poll",
      .contenders = {{"px::queue, limit 4", [=] { return px_queue(count); }},
                     {"fork, pipe, poll", [=] { return hand_made().run(count); }}},
  }};
}

}  // namespace bench
