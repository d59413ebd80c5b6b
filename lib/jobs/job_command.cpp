#include "jobs/job_command.hpp"

#include "process/fork.hpp"
#include "system/generation.hpp"
#include "system/io.hpp"
#include "system/kernel.hpp"

#include <procx/error/exceptions.hpp>

#include <boost/system/system_error.hpp>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <utility>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

namespace procx::inline v1::detail {
namespace {

/// What the command has as standard input, output and error.
struct command_streams {
  int input, output, error;
};

[[noreturn]] void fail(int why, std::string const& what) {
  throw boost::system::system_error(why, boost::system::system_category(), what);
}

winsize system_form(window_size w) { return {w.rows, w.columns, 0, 0}; }

/// Both sides of a new terminal.
std::pair<descriptor, descriptor> make_terminal(window_size w) {
  auto const held = hold_forks();
  descriptor master = descriptor::take(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), "cannot make a terminal");
  int slave = -1;
  if (::unlockpt(master.get()) == 0) slave = ::ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  descriptor other = descriptor::take(slave, "cannot open a terminal");
  winsize const size = system_form(w);
  ::ioctl(other.get(), TIOCSWINSZ, &size);
  return {std::move(master), std::move(other)};
}

std::vector<char*> pointers(std::vector<std::string> const& words) {
  std::vector<char*> all;
  for (std::string const& word : words) all.push_back(const_cast<char*>(word.c_str()));
  all.push_back(nullptr);
  return all;
}

void reset_signals() noexcept {
  for (int s = 1; s < NSIG; ++s) ::signal(s, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

/// In the new process. Returns what errno says.
int become(command_plan const& plan, command_streams const& streams, pid_t maker, char** words, char** environment) noexcept {
  ::setsid();
  reset_signals();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != maker) ::raise(SIGKILL);
  duplicate_onto(streams.input, STDIN_FILENO);
  duplicate_onto(streams.output, STDOUT_FILENO);
  duplicate_onto(streams.error, STDERR_FILENO);
  if (plan.terminal) ::ioctl(STDIN_FILENO, TIOCSCTTY, 0);
  close_on_exec_from(STDERR_FILENO + 1);
  ::umask(plan.mask);
  if (::chdir(plan.folder.c_str()) != 0) return errno;
  ::execvpe(words[0], words, environment);
  return errno;
}

}  // namespace

job_command::job_command(command_plan const& plan) : terminal_(plan.terminal) {
  descriptor output_end, input_end;
  if (plan.terminal) {
    std::tie(output_, slave_) = make_terminal(plan.window);
    input_ = duplicate(output_.get());
  } else {
    std::tie(output_, output_end) = make_pipe();
    if (plan.input)
      std::tie(input_end, input_) = make_pipe();
    else
      input_end = [] {
        auto const held = hold_forks();
        return descriptor::take(::open("/dev/null", O_RDONLY | O_CLOEXEC), "/dev/null");
      }();
  }
  command_streams const streams = plan.terminal ? command_streams{slave_.get(), slave_.get(), slave_.get()}
                                                : command_streams{input_end.get(), output_end.get(), output_end.get()};
  auto words = pointers(plan.words), environment = pointers(plan.environment);
  auto [failed, fails] = make_pipe();
  pid_t const maker = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) fail(errno, "cannot fork");
  if (pid_ == 0) {
    int const why = become(plan, streams, maker, words.data(), environment.data());
    (void)!::write(fails.get(), &why, sizeof why);
    ::_exit(127);
  }
  fails.close();
  int why = 0;
  ssize_t n = -1;
  do n = ::read(failed.get(), &why, sizeof why);
  while (n < 0 && errno == EINTR);
  if (n == sizeof why) {
    ::waitpid(pid_, nullptr, 0);
    fail(why, "cannot execute " + plan.words.front());
  }
  if (input_) set_nonblocking(input_.get(), true);
}

void job_command::set_window(window_size size) noexcept {
  winsize const w = system_form(size);
  if (terminal_ && input_) ::ioctl(input_.get(), TIOCSWINSZ, &w);
}

void job_command::add_input(std::uint64_t client, std::span<std::byte const> bytes) {
  if (pending_.size() >= most_pieces) throw protocol_error("the command takes no input");
  if (!bytes.empty()) pending_.push_back({client, {bytes.begin(), bytes.end()}, 0});
}

void job_command::end_input() noexcept { ends_ = true; }

/// How much of it is done with. Input for a command that takes none any more is thrown away.
std::size_t job_command::write_input(std::span<std::byte const> bytes) noexcept {
  if (!input_) return bytes.size();
  auto const w = write_some(input_.get(), bytes);
  if (!w.end && !w.error) return w.bytes;
  if (!terminal_) input_.close();
  return bytes.size();
}

/// A terminal has no end: the program that reads there is told of one by a character.
void job_command::close_input() noexcept {
  ends_ = false;
  if (!terminal_) return input_.close();
  termios t{};
  if (::tcgetattr(input_.get(), &t) == 0 && (t.c_lflag & ICANON))
    (void)write_some(input_.get(), std::as_bytes(std::span(&t.c_cc[VEOF], 1)));
}

}  // namespace procx::inline v1::detail
