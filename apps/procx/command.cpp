#include "command.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

[[noreturn]] void fail(int why, std::string const& what) { throw std::system_error(why, std::generic_category(), what); }

/// Appends what a read from the pipe gives, at most so many bytes; false at its end.
bool read_some(int fd, std::string& all, std::size_t most) {
  std::array<char, 64 * 1024> chunk;
  ssize_t const n = ::read(fd, chunk.data(), std::min(most, chunk.size()));
  if (n > 0) all.append(chunk.data(), static_cast<std::size_t>(n));
  return n > 0 || (n < 0 && errno == EINTR);
}

bool has_ended(pid_t pid, int& status) {
  pid_t const ended = ::waitpid(pid, &status, WNOHANG);
  if (ended < 0 && errno != EINTR) fail(errno, "cannot wait for the command");
  return ended == pid;
}

/// What the command writes until it has ended. The end of the pipe is no sign of that: what the command leaves running may
/// hold the pipe for as long as it likes, and may go on writing.
std::string output_until_end(int output, pid_t pid, int& status) {
  std::string all;
  auto const pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  int const look_again = pidfd < 0 ? 10 : -1;  // milliseconds: some sandboxes know no pidfd
  std::array<pollfd, 2> const watched{{{output, POLLIN, 0}, {pidfd, POLLIN, 0}}};
  for (auto fds = watched; !has_ended(pid, status);) {
    if (::poll(fds.data(), fds.size(), look_again) <= 0 || fds[0].revents == 0) continue;
    if (!read_some(output, all, all.max_size())) fds[0].fd = -1;
  }
  if (pidfd >= 0) ::close(pidfd);
  int left = 0;
  ::ioctl(output, FIONREAD, &left);  // at this moment all of the command's own is there
  std::size_t const whole = all.size() + static_cast<std::size_t>(left);
  while (all.size() < whole && read_some(output, all, whole - all.size())) {}
  return all;
}

}  // namespace

command_result run_command(std::vector<std::string> const& words) {
  std::vector<char*> arguments;
  for (auto const& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);

  int output[2], failure[2];
  if (::pipe2(output, O_CLOEXEC) != 0 || ::pipe2(failure, O_CLOEXEC) != 0) fail(errno, "cannot make a pipe");
  pid_t const parent = ::getpid();
  pid_t const pid = ::fork();
  if (pid < 0) fail(errno, "cannot fork");
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(0);
    ::signal(SIGPIPE, SIG_DFL);  // the tool ignores it, the command must not
    ::dup2(output[1], STDOUT_FILENO);
    ::execvp(arguments[0], arguments.data());
    int const why = errno;
    (void)!::write(failure[1], &why, sizeof why);
    ::_exit(127);
  }
  ::close(output[1]);
  ::close(failure[1]);
  int why = 0;
  ssize_t const failed = ::read(failure[0], &why, sizeof why);
  ::close(failure[0]);
  command_result result;
  result.output = output_until_end(output[0], pid, result.wait_status);
  ::close(output[0]);
  if (failed == sizeof why) fail(why, "cannot execute " + words.front());
  return result;
}

std::vector<std::string> with_argument(std::vector<std::string> words, std::string const& argument) {
  bool found = false;
  for (auto& word : words)
    for (std::size_t at = 0; (at = word.find("{}", at)) != std::string::npos; at += argument.size()) {
      word.replace(at, 2, argument);
      found = true;
    }
  if (!found) words.push_back(argument);
  return words;
}
