#include "command.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

[[noreturn]] void fail(int why, std::string const& what) { throw std::system_error(why, std::generic_category(), what); }

std::string read_all(int fd) {
  std::string all;
  std::array<char, 64 * 1024> chunk;
  for (;;) {
    ssize_t const n = ::read(fd, chunk.data(), chunk.size());
    if (n > 0) all.append(chunk.data(), static_cast<std::size_t>(n));
    if (n == 0 || (n < 0 && errno != EINTR)) return all;
  }
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
  command_result result;
  result.output = read_all(output[0]);
  int why = 0;
  ssize_t const failed = ::read(failure[0], &why, sizeof why);
  ::close(output[0]);
  ::close(failure[0]);
  while (::waitpid(pid, &result.wait_status, 0) < 0 && errno == EINTR) {}
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
