#include "python.hpp"

#include <cstdio>
#include <filesystem>
#include <memory>
#include <sstream>
#include <utility>

#include <sys/wait.h>
#include <unistd.h>

namespace bench {
namespace {

/// The interpreter itself: what is found as python3 may be a script that looks for it.
std::string const& interpreter() {
  static std::string const found = [] {
    auto const closes = [](std::FILE* f) { ::pclose(f); };
    std::unique_ptr<std::FILE, decltype(closes)> const asked(
        ::popen("python3 -c 'import sys; print(sys.executable, end=\"\")' 2>/dev/null", "r"), closes);
    char path[4096] = {};
    return asked && std::fgets(path, sizeof path, asked.get()) ? std::string(path) : std::string();
  }();
  return found;
}

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
  check(status == 0, "the script failed");
  return text;
}

measured run_script(std::vector<std::string> command) {
  if (command[0].empty()) throw unavailable("there is no python3");
  if (!std::filesystem::exists(command[1])) throw unavailable(command[1] + " is not there");
  std::istringstream words(output_of(command));
  measured m;
  check(bool(words >> m.value), "the script says nothing");
  words >> m.tail;
  return m;
}

}  // namespace

contender in_python(std::string name, std::string const& script, std::vector<std::string> const& arguments,
                    std::string against) {
  std::vector<std::string> command{interpreter(), PROCX_BENCH_PEERS "/" + script};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return {std::move(name), [command] { return run_script(command); }, std::move(against)};
}

}  // namespace bench
