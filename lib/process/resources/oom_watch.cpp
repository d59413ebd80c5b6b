#include "process/resources/oom_watch.hpp"

#include <fstream>
#include <utility>

namespace procx::inline v1::detail {
namespace {

/// Where the system counts, and the control group that this process is in, of version 2 or 1.
std::vector<std::string> places() {
  std::vector<std::string> all{"/proc/vmstat"};
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    auto const path = line.rfind(':');
    if (line.starts_with("0::")) all.push_back("/sys/fs/cgroup" + line.substr(path + 1) + "/memory.events");
    if (line.find(":memory:") != std::string::npos)
      all.push_back("/sys/fs/cgroup/memory" + line.substr(path + 1) + "/memory.oom_control");
  }
  return all;
}

}  // namespace

oom_watch::oom_watch() : oom_watch(places()) {}

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
