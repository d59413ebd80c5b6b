#include "process/exec.hpp"

#include "process/fork.hpp"
#include "process/process_group.hpp"
#include "system/event_loop.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/process/v2/process.hpp>

#include <cerrno>
#include <csignal>
#include <utility>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace procx::inline v1::detail {
namespace {

namespace bp = boost::process::v2;

boost::system::error_code last_error() noexcept { return {errno, boost::system::system_category()}; }

/// What is done to a new process before it executes the program; between fork and exec only system calls are made.
class set_up {
 public:
  set_up(exec_plan const& plan, int stderr_end, int life_line)
      : stderr_(stderr_end), parent_(::getpid()), tied_(may_tie_child()) {
    for (char** e = ::environ; *e; ++e) environment_.push_back(*e);
    for (auto const& variable : plan.environment) environment_.push_back(variable.c_str());
    environment_.push_back(nullptr);
    for (descriptor const* d : plan.keep)
      if (*d) keep_.push_back(d->get());
    if (life_line >= 0) keep_.push_back(life_line);
  }

  template <class Launcher, class Path>
  boost::system::error_code on_setup(Launcher& launcher, Path const&, char const* const* const&) {
    launcher.env = environment_.data();
    launcher.fd_whitelist.insert(launcher.fd_whitelist.end(), keep_.begin(), keep_.end());
    return {};
  }
  template <class Launcher, class Path>
  boost::system::error_code on_exec_setup(Launcher&, Path const&, char const* const* const&) {
    lead_a_group();
    if (tied_) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent_) ::_exit(0);
    }
    if (stderr_ >= 0 && duplicate_onto(stderr_, STDERR_FILENO) < 0) return last_error();
    int const null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null > STDIN_FILENO) duplicate_onto(null, STDIN_FILENO);
    if (::close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) != 0) return last_error();
    for (int const fd : keep_)
      if (::fcntl(fd, F_SETFD, 0) != 0) return last_error();
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    return {};
  }
  // The launcher would go on to exit(), and run the parent's exit handlers.
  template <class... Any>
  void on_exec_error(Any&&...) {
    ::_exit(127);
  }

 private:
  std::vector<char const*> environment_;
  std::vector<int> keep_;
  int stderr_;
  pid_t parent_;
  bool tied_;
};

/// The launcher may throw in both processes: the new one must not go on as a copy of this one, nor be left alone.
template <class Launch>
auto launch(bp::default_process_launcher const& launcher, Launch const& begin) {
  pid_t const parent = ::getpid();
  try {
    return begin();
  } catch (...) {
    if (::getpid() != parent) ::_exit(127);
    if (launcher.pid > 0) {
      ::kill(launcher.pid, SIGKILL);
      ::waitpid(launcher.pid, nullptr, 0);
    }
    throw;
  }
}

}  // namespace

std::unique_ptr<process_state> exec_process(exec_plan const& plan) {
  raise_descriptor_limit();
  reap_abandoned();
  std::pair<descriptor, descriptor> errors;
  if (plan.capture_stderr) errors = make_pipe();
  death_watch watch;

  event_loop loop;  // Boost.Process wants one; nothing runs on it
  bp::default_process_launcher launcher;
  boost::system::error_code failed;
  auto launched = launch(launcher, [&] {
    return launcher(loop.executor(), failed, plan.program.native(), plan.arguments,
                    set_up(plan, errors.second.get(), watch.childs_end()));
  });
  if (failed) {
    if (launcher.pid > 0) ::waitpid(launcher.pid, nullptr, 0);
    throw boost::system::system_error(failed, "cannot execute " + plan.program.string());
  }
  pid_t const pid = launched.id();
  launched.detach();  // or its destructor would kill by a pid that may be another's by then
  errors.second.close();
  return watch_process(pid, std::move(watch), std::move(errors.first));
}

}  // namespace procx::inline v1::detail
