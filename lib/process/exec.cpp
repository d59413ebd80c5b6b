#include "process/exec.hpp"

#include "process/fork.hpp"
#include "process/process_group.hpp"
#include "system/stop_level.hpp"
#include "system/kernel.hpp"

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace procx::inline v1::detail {
namespace {

/// All that a new process needs to execute the program: between fork and exec only system calls are made.
class image {
 public:
  image(exec_plan const& plan, int stderr_end, int life_line)
      : program_(plan.program.c_str()), stderr_(stderr_end), parent_(::getpid()), tied_(may_tie_child()) {
    arguments_.push_back(program_);
    for (auto const& argument : plan.arguments) arguments_.push_back(argument.c_str());
    arguments_.push_back(nullptr);
    for (char** e = ::environ; e && *e; ++e)
      if (!is_replaced(*e, plan.environment)) environment_.push_back(*e);
    for (auto const& variable : plan.environment) environment_.push_back(variable.c_str());
    environment_.push_back(nullptr);
    for (descriptor const* d : plan.keep)
      if (*d) keep_.push_back(d->get());
    if (life_line >= 0) keep_.push_back(life_line);
    blocked_ = set_of(plan.is_this_program ? stop_signals() : 0);
  }

  /// Says to `failure` why it could not be done.
  [[noreturn]] void become(int failure) const noexcept {
    set_up();
    ::execve(program_, const_cast<char* const*>(arguments_.data()), const_cast<char* const*>(environment_.data()));
    int const why = errno;
    while (::write(failure, &why, sizeof why) < 0 && errno == EINTR) {}
    ::_exit(127);
  }

 private:
  void set_up() const noexcept {
    lead_a_group();
    if (tied_) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent_) ::_exit(0);
    }
    if (stderr_ >= 0) duplicate_onto(stderr_, STDERR_FILENO);
    int const null = ::open("/dev/null", O_RDONLY);
    if (null > STDIN_FILENO) duplicate_onto(null, STDIN_FILENO);
    close_on_exec_from(STDERR_FILENO + 1);
    for (int const fd : keep_) ::fcntl(fd, F_SETFD, 0);
    forget_handlers();  // none may run in this process while it is still a copy
    ::sigprocmask(SIG_SETMASK, &blocked_, nullptr);
  }

  /// Of two variables with one name a program sees the first: the inherited one, which may be anybody's.
  static bool is_replaced(std::string_view inherited, std::vector<std::string> const& by) {
    std::size_t const end = inherited.find('=');
    if (end == std::string_view::npos) return false;
    std::string_view const name = inherited.substr(0, end + 1);
    return std::ranges::any_of(by, [&](std::string const& variable) { return variable.starts_with(name); });
  }

  char const* program_;
  std::vector<char const*> arguments_, environment_;
  std::vector<int> keep_;
  int stderr_;
  sigset_t blocked_;
  pid_t parent_;
  bool tied_;
};

/// What the new process says; 0 if it says nothing, because it executes the program by now or was killed.
int failure_from(int pipe) noexcept {
  int why = 0;
  ssize_t n = -1;
  do n = ::read(pipe, &why, sizeof why);
  while (n < 0 && errno == EINTR);
  return n == sizeof why ? why : 0;
}

}  // namespace

std::unique_ptr<process_state> exec_process(exec_plan const& plan) {
  raise_descriptor_limit();
  reap_abandoned();
  std::pair<descriptor, descriptor> errors, failure = make_pipe();
  if (plan.capture_stderr) errors = make_pipe();
  death_watch watch;
  image const what(plan, errors.second.get(), watch.childs_end());

  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t const pid = ::fork();
  if (pid == 0) what.become(failure.second.get());
  int why = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) throw boost::system::system_error(why, boost::system::system_category(), "cannot fork");
  failure.second.close();
  errors.second.close();
  if ((why = failure_from(failure.first.get())) != 0) {
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {}
    throw boost::system::system_error(why, boost::system::system_category(), "cannot execute " + plan.program.string());
  }
  return watch_process(pid, std::move(watch), std::move(errors.first));
}

}  // namespace procx::inline v1::detail
