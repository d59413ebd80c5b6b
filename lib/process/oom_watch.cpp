#include "process/oom_watch.hpp"

#include <fstream>
#include <utility>

namespace procx::inline v1::detail {
namespace {

/// memory.events of the control group of version 2 that this process is in; empty if it is in none.
std::string events_of_own_group() {
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);)
    if (line.starts_with("0::")) return "/sys/fs/cgroup" + line.substr(3) + "/memory.events";
  return {};
}

}  // namespace

oom_watch::oom_watch() : oom_watch({"/proc/vmstat", events_of_own_group()}) {}

oom_watch::oom_watch(std::vector<std::string> files) : files_(std::move(files)), seen_(count()) {}

bool oom_watch::has_risen() { return std::exchange(seen_, count()) != seen_; }

std::uint64_t oom_watch::count() const {
  std::uint64_t sum = 0;
  for (std::string const& file : files_) {
    std::ifstream in(file);
    std::string name;
    for (std::uint64_t n = 0; in >> name >> n;)
      if (name == "oom_kill") sum += n;
  }
  return sum;
}

}  // namespace procx::inline v1::detail
