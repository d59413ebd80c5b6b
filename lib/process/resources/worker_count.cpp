#include <procx/process/worker_count.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <stdexcept>
#include <string>

#include <sched.h>
#include <unistd.h>

namespace procx::inline v1 {
namespace {

std::size_t cores_by_affinity() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) == 0) return static_cast<std::size_t>(CPU_COUNT(&set));
  long const n = ::sysconf(_SC_NPROCESSORS_ONLN);  // more processors than the set has room for
  return n > 0 ? static_cast<std::size_t>(n) : 1;
}

double quota_in(std::string const& directory) {
  double quota = 0, period = 0;
  if (std::ifstream(directory + "/cpu.max") >> quota >> period && period > 0) return quota / period;
  if (std::ifstream(directory + "/cpu.cfs_quota_us") >> quota &&
      std::ifstream(directory + "/cpu.cfs_period_us") >> period && quota > 0 && period > 0)
    return quota / period;
  return std::numeric_limits<double>::infinity();
}

/// The least quota of this process's cgroup and those above it; version 2, or the cpu controller of version 1.
double cores_by_quota() {
  double least = std::numeric_limits<double>::infinity();
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    std::size_t const first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    std::string const controllers = line.substr(first + 1, second - first - 1);
    bool const v2 = controllers.empty();
    if (!v2 && ("," + controllers + ",").find(",cpu,") == std::string::npos) continue;
    std::string const root = v2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu";
    for (std::string path = line.substr(second + 1); !path.empty(); path.erase(path.find_last_of('/')))
      least = std::min(least, quota_in(root + path));
    least = std::min(least, quota_in(root));
  }
  return least;
}

}  // namespace

std::size_t available_cores() {
  double const quota = std::ceil(cores_by_quota());
  std::size_t const cores = std::max<std::size_t>(1, cores_by_affinity());
  return quota < static_cast<double>(cores) ? std::max<std::size_t>(1, static_cast<std::size_t>(quota)) : cores;
}

std::size_t worker_count::resolve() const {
  return is_fraction_ || count_ <= 0 ? resolve(available_cores()) : static_cast<std::size_t>(count_);
}

std::size_t worker_count::resolve(std::size_t cores) const {
  if (is_fraction_) {
    if (!(fraction_ > 0 && fraction_ <= 1))
      throw std::invalid_argument("a fraction of the cores must be above 0 and at most 1");
    return std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(fraction_ * static_cast<double>(cores))));
  }
  if (count_ > 0) return static_cast<std::size_t>(count_);
  auto const fewer = std::size_t{0} - static_cast<std::size_t>(count_);
  return cores > fewer ? cores - fewer : 1;
}

}  // namespace procx::inline v1
