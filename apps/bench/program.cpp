#include "program.hpp"

#include <filesystem>
#include <sstream>
#include <stdexcept>

#include <sys/wait.h>
#include <unistd.h>

namespace bench {
namespace {

[[noreturn]] void execute(std::vector<std::string> const& command) {
  std::vector<char*> argv;
  for (std::string const& a : command) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

/// What the command writes to its standard output. Throws if it does not succeed.
std::string output_of(std::vector<std::string> const& command) {
  int ends[2];
  check_call(::pipe(ends), "pipe");
  auto const pid = static_cast<pid_t>(check_call(::fork(), "fork"));
  if (pid == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
    execute(command);
  }
  ::close(ends[1]);
  std::string text;
  char part[256];
  for (ssize_t n; (n = ::read(ends[0], part, sizeof part)) > 0;) text.append(part, static_cast<std::size_t>(n));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  if (status != 0) throw std::runtime_error(std::filesystem::path(command[0]).filename().string() + " failed");
  return text;
}

}  // namespace

measured figures_of(std::vector<std::string> const& command) {
  std::istringstream words(output_of(command));
  measured m;
  check(bool(words >> m.value), "the program says nothing");
  words >> m.second;
  return m;
}

}  // namespace bench
