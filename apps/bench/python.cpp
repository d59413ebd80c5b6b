#include "python.hpp"

#include "program.hpp"

#include <cstdio>
#include <filesystem>
#include <memory>
#include <utility>

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

}  // namespace

contender in_python(std::string name, std::string const& script, std::vector<std::string> const& arguments,
                    std::string against) {
  std::vector<std::string> command{interpreter(), PROCX_BENCH_PEERS "/" + script};
  command.insert(command.end(), arguments.begin(), arguments.end());
  auto const run = [command] {
    if (command[0].empty()) throw unavailable("there is no python3");
    if (!std::filesystem::exists(command[1])) throw unavailable(command[1] + " is not there");
    return figures_of(command);
  };
  return {std::move(name), run, std::move(against)};
}

}  // namespace bench
