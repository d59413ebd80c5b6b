#include "mpi.hpp"

#include "program.hpp"

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <utility>
#include <vector>

#include <unistd.h>

namespace bench {
namespace {

namespace fs = std::filesystem;

/// The path of a program that the shell would find; empty if there is none.
std::string found_as(std::string const& name) {
  char const* const path = std::getenv("PATH");
  std::istringstream folders(path ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (fs::path const file = fs::path(folder) / name; ::access(file.c_str(), X_OK) == 0) return file;
  return {};
}

}  // namespace

contender by_mpi(std::string name, std::size_t count, std::size_t window, std::string against) {
  auto const run = [=] {
    std::string const mpirun = found_as("mpirun");
    if (mpirun.empty()) throw unavailable("there is no mpirun");
    fs::path const farm = fs::read_symlink("/proc/self/exe").replace_filename("procx-bench-mpi");
    if (!fs::exists(farm)) throw unavailable(farm.string() + " is not there");
    ::setenv("HWLOC_HIDE_ERRORS", "2", 0);  // where there is no /sys it would say so for each process
    // Three processes on whatever processors there are: those that wait give way to the others. No other host is
    // looked for, and where the system forbids one process to read the memory of another nothing is said about it.
    return figures_of({mpirun, "-n", "3", "--oversubscribe", "--allow-run-as-root", "--bind-to", "none",  //
                       "--mca", "plm", "isolated", "--mca", "mpi_yield_when_idle", "1",                   //
                       "--mca", "btl", "self,vader", "--mca", "btl_vader_single_copy_mechanism", "none",  //
                       farm, std::to_string(count), std::to_string(window)});
  };
  return {std::move(name), run, std::move(against)};
}

}  // namespace bench
