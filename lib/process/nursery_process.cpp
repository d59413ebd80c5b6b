#include "process/fork.hpp"
#include "process/nursery_protocol.hpp"
#include "process/process_group.hpp"
#include "process/resources/process_usage.hpp"
#include "system/fd_passing.hpp"

#include <boost/system/system_error.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <set>
#include <vector>

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace procx::inline v1::detail {
namespace {

volatile std::sig_atomic_t told_to_leave = 0;
pid_t maker_of_this = 0;

class nursery_process {
 public:
  nursery_process(descriptor& control, pid_t maker, nursery::body_function const& body)
      : control_(control), maker_(maker), body_(body) {
    maker_of_this = maker;
    // Whoever sends a signal to all processes of the program means the program. What is blocked here is not in children.
    ::sigfillset(&while_waiting_);
    for (int const own_fault : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS})
      ::sigdelset(&while_waiting_, own_fault);
    ::pthread_sigmask(SIG_SETMASK, &while_waiting_, nullptr);
    for (int const s : {SIGCHLD, SIGTERM}) {  // were SIGCHLD ignored, children would vanish unseen
      ::sigdelset(&while_waiting_, s);
      struct sigaction noted {};
      noted.sa_sigaction = [](int signal, siginfo_t* info, void*) {
        // The maker's call to leave, or word of its death.
        if (signal == SIGTERM && (info->si_pid == maker_of_this || ::getppid() != maker_of_this)) told_to_leave = 1;
      };
      noted.sa_flags = SA_SIGINFO;
      ::sigaction(s, &noted, nullptr);
    }
  }

  /// Until its maker dismisses it, or has died (SIGTERM tells, and the end of the control socket). All that it has forked
  /// goes with it.
  bool run() {
    for (bool wanted = true; wanted;) {
      pollfd orders{control_.get(), POLLIN, 0};
      // Signals are let in here only, and not if there is an order already: so whether a child has ended is asked each time.
      int const n = ::ppoll(&orders, 1, nullptr, &while_waiting_);
      if (n < 0 && errno != EINTR) take_a_moment();
      wanted = !told_to_leave && reap() && (n <= 0 || serve());
    }
    for (pid_t const child : children_) ::kill(-child, SIGKILL);
    return dismissed_;
  }

 private:
  bool tell(nursery_answer const& answer, std::span<int const> descriptors = {}) {
    return send_packet(control_.get(), answer.packed(), descriptors);
  }

  /// One order; false when there will be no more.
  bool serve() {
    std::array<std::byte, longest_order> order;
    std::vector<descriptor> given;
    auto const n = receive_packet(control_.get(), order, given);
    if (n == 0) return false;
    if (n < 0 && errno == EMFILE) return tell({.news = nursery_news::not_started, .code = EMFILE});
    if (n < 0) return comes_again(errno);
    if (order[0] == dismissal) {
      dismissed_ = true;
      return false;
    }
    if (order[0] == kill_order::mark) {
      auto const o = kill_order::from(std::span<std::byte const>(order).first(static_cast<std::size_t>(n)));
      if (children_.contains(o.pid)) ::kill(o.pid, o.signal);
      return true;
    }
    descriptor errors;
    auto const what = static_cast<captured>(order[0]);
    if (what != captured::nothing) {
      errors = std::move(given.back());
      given.pop_back();
    }
    makers_signals heeds{.maker = maker_};
    std::memcpy(&heeds.which, &order[1], sizeof heeds.which);
    fork_plan plan{.capture_stderr = false,
                   .stderr_to = errors.get(),
                   .stdout_too = what == captured::everything,
                   .heeds = heeds};
    return fork_one(std::span<std::byte const>(order).first(static_cast<std::size_t>(n)).subspan(order_head), given, plan);
  }

  static void take_a_moment() noexcept {
    timespec const a_moment{0, 1'000'000};
    ::nanosleep(&a_moment, nullptr);
  }

  /// Whether an order that could not be received is still there, and may be had in a moment.
  static bool comes_again(int why) noexcept {
    if (why == ENOMEM || why == ENOBUFS) take_a_moment();
    return why == EAGAIN || why == ENOMEM || why == ENOBUFS;
  }

  bool fork_one(std::span<std::byte const> message, std::vector<descriptor>& given, fork_plan& plan) {
    std::vector<descriptor*> keep;
    for (descriptor& d : given) keep.push_back(&d);
    plan.keep = keep;
    try {
      auto const child = fork_process(plan, [&] { return body_({message, given}); });
      int const pidfd = child->pidfd();
      children_.insert(child->pid());
      bool const told = tell({.news = nursery_news::started, .pid = child->pid()}, std::span(&pidfd, 1));
      child->leave_to_others();
      return told;
    } catch (boost::system::system_error const& e) {
      return tell({.news = nursery_news::not_started, .code = e.code().value()});
    }
  }

  /// False if the end of a child cannot be told: who waits for the news learns more from the end of this process.
  bool reap() {
    for (;;) {
      siginfo_t info{};
      if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return true;
      kill_group_of_the_dead(info.si_pid);
      rusage used{};
      ::syscall(SYS_waitid, P_PID, info.si_pid, &info, WEXITED, &used);
      children_.erase(info.si_pid);
      auto const usage = process_usage::from(used);
      bool const told = tell({.news = nursery_news::ended,
                              .pid = info.si_pid,
                              .code = info.si_code,
                              .value = info.si_status,
                              .cpu_us = usage.cpu_time.count(),
                              .peak_memory = static_cast<std::int64_t>(usage.peak_memory)});
      if (!told) return false;
    }
  }

  descriptor& control_;
  pid_t maker_;
  nursery::body_function const& body_;
  sigset_t while_waiting_{};
  std::set<pid_t> children_;
  bool dismissed_ = false;
};

}  // namespace

bool run_nursery(descriptor& control, pid_t maker, nursery::body_function const& body) {
  return nursery_process(control, maker, body).run();
}

}  // namespace procx::inline v1::detail
