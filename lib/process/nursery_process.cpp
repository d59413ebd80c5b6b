#include "process/fork.hpp"
#include "process/nursery_protocol.hpp"
#include "system/fd_passing.hpp"
#include "system/generation.hpp"

#include <boost/system/system_error.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <vector>

#include <sys/signalfd.h>
#include <sys/wait.h>

namespace procx::inline v1::detail {
namespace {

class nursery_process {
 public:
  nursery_process(descriptor& control, nursery::body_function const& body) : control_(control), body_(body) {
    struct sigaction by_default {};
    by_default.sa_handler = SIG_DFL;  // were it ignored, children would vanish unseen
    ::sigaction(SIGCHLD, &by_default, nullptr);
    sigset_t child;
    ::sigemptyset(&child);
    ::sigaddset(&child, SIGCHLD);
    ::pthread_sigmask(SIG_BLOCK, &child, nullptr);
    auto const held = hold_forks();
    children_ = descriptor::take(::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd");
  }

  int run() {
    for (;;) {
      std::array<pollfd, 2> fds{{{control_.get(), POLLIN, 0}, {children_.get(), POLLIN, 0}}};
      poll_until(fds, std::nullopt);
      if (fds[1].revents && !reap()) return 0;
      if (fds[0].revents && !serve()) return 0;
    }
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
    descriptor errors;
    if (order[0] != std::byte{0}) {
      errors = std::move(given.back());
      given.pop_back();
    }
    return fork_one(std::span<std::byte const>(order).first(static_cast<std::size_t>(n)).subspan(1), given, errors);
  }

  /// Whether an order that could not be received is still there, and may be had in a moment.
  static bool comes_again(int why) noexcept {
    timespec const a_moment{0, 1'000'000};
    if (why == ENOMEM || why == ENOBUFS) ::nanosleep(&a_moment, nullptr);
    return why == EAGAIN || why == ENOMEM || why == ENOBUFS;
  }

  bool fork_one(std::span<std::byte const> message, std::vector<descriptor>& given, descriptor& errors) {
    std::vector<descriptor*> keep;
    for (descriptor& d : given) keep.push_back(&d);
    try {
      auto const child = fork_process({.keep = keep, .capture_stderr = false, .stderr_to = errors.get()},
                                      [&] { return body_({message, given}); });
      int const pidfd = child->pidfd();
      bool const told = tell({.news = nursery_news::started, .pid = child->pid()}, std::span(&pidfd, 1));
      child->leave_to_others();
      return told;
    } catch (boost::system::system_error const& e) {
      return tell({.news = nursery_news::not_started, .code = e.code().value()});
    }
  }

  /// False if the end of a child cannot be told: who waits for the news learns more from the end of this process.
  bool reap() {
    signalfd_siginfo seen;
    while (::read(children_.get(), &seen, sizeof seen) == sizeof seen) {}
    for (;;) {
      siginfo_t info{};
      if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0) return true;
      if (!tell({.news = nursery_news::ended, .pid = info.si_pid, .code = info.si_code, .value = info.si_status})) return false;
    }
  }

  descriptor& control_;
  nursery::body_function const& body_;
  descriptor children_;
};

}  // namespace

int run_nursery(descriptor& control, nursery::body_function const& body) {
  return nursery_process(control, body).run();
}

}  // namespace procx::inline v1::detail
