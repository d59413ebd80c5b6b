#include "process/fork.hpp"

#include "error/throw_trace.hpp"
#include "process/crash_note.hpp"
#include "process/exit_guard.hpp"
#include "process/process_group.hpp"
#include "system/stop_level.hpp"
#include "process/streams.hpp"
#include "system/generation.hpp"

#include <boost/system/system_error.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace procx::inline v1::detail {
namespace {

bool created = false;
thread_local bool lasting_thread = false;

void reset_signals(makers_signals const& heeds) noexcept {
  forget_handlers();
  // Or one that writes to a terminal which minds, or reads from it, would stop and hang; so reading fails.
  std::signal(SIGTTOU, SIG_IGN);
  std::signal(SIGTTIN, SIG_IGN);
  heed_only_maker(heeds);
  sigset_t none;
  ::sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

void empty_stdin() noexcept {
  int const null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null < 0) return;
  if (null == STDIN_FILENO) {
    ::fcntl(null, F_SETFD, 0);
    return;
  }
  duplicate_onto(null, STDIN_FILENO);
  ::close(null);
}

void become_child(fork_plan const& plan, pid_t parent, bool tied, int stderr_end, int life_line, crash_note* note) {
  become_created_process();
  lead_a_group();
  forget_unwritten();
  if (tied) {
    ::prctl(PR_SET_PDEATHSIG, plan.death_signal);
    if (::getppid() != parent) ::_exit(0);  // it died before the line above
  }
  if (stderr_end >= 0) duplicate_onto(stderr_end, STDERR_FILENO);
  if (plan.stdout_too) duplicate_onto(STDERR_FILENO, STDOUT_FILENO);
  std::vector<int> keep;
  for (descriptor* d : plan.keep) {
    d->adopt();
    keep.push_back(d->get());
  }
  if (life_line >= 0) keep.push_back(life_line);
  close_inherited(keep);
  empty_stdin();
  reset_signals(plan.heeds.value_or(makers_signals{parent, stop_signals()}));
  if (note) note_crashes(*note);
}

}  // namespace

std::unique_ptr<process_state> fork_process(fork_plan const& plan) {
  raise_descriptor_limit();
  reap_abandoned();
  std::pair<descriptor, descriptor> errors;
  if (plan.capture_stderr) errors = make_pipe();
  death_watch watch;
  auto note = plan.notes_crashes ? new_crash_note() : nullptr;

  exit_guard const exits;
  flush_before_fork();
  bool const tied = may_tie_child();
  pid_t const parent = ::getpid();
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);  // no handler of the parent's may run in the child
  pid_t const pid = ::fork();
  if (pid == 0) {
    become_child(plan, parent, tied, plan.capture_stderr ? errors.second.get() : plan.stderr_to,
                 watch.childs_end(), note.get());
    return nullptr;
  }
  int const why = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) throw boost::system::system_error(why, boost::system::system_category(), "cannot fork");
  errors.second.close();
  auto state = watch_process(pid, std::move(watch), std::move(errors.first));
  state->look_for_crashes(std::move(note));
  return state;
}

std::unique_ptr<process_state> fork_process(fork_plan const& plan, std::function<int()> const& body) {
  auto state = fork_process(plan);
  if (state) return state;
  int code = 1;
  try {
    code = body();
  } catch (...) {
    // The body reports what it can; there is nobody left to tell.
  }
  leave(code);
}

void leave(int code) noexcept {
  flush_all_streams();
  ::_exit(code);
}

void forget_handlers() noexcept {
  for (int s = 1; s < NSIG; ++s) {
    struct sigaction action {};
    if (::sigaction(s, nullptr, &action) != 0 || action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN) continue;
    action = {};
    action.sa_handler = SIG_DFL;
    ::sigaction(s, &action, nullptr);
  }
}

std::unique_ptr<process_state> watch_process(pid_t pid, death_watch watch, descriptor stderr_end) {
  try {
    return std::make_unique<process_state>(pid, std::move(watch).of(pid), std::move(stderr_end));
  } catch (...) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    throw;
  }
}

// A death signal follows the thread that forked, not the process: only threads that last may tie a child to them.
bool may_tie_child() noexcept { return lasting_thread || ::getpid() == static_cast<pid_t>(::syscall(SYS_gettid)); }

bool is_created_process() noexcept { return created; }

void become_created_process() noexcept {
  created = true;
  become_guarded();
  remember_throws();
}

void this_thread_outlives_processes() noexcept { lasting_thread = true; }

}  // namespace procx::inline v1::detail
