#include "memory.hpp"

#include "measure.hpp"

#include <fstream>
#include <string>

namespace bench {
namespace {

/// A line such as "VmHWM:   1234 kB", in MiB.
double line_of(char const* file, std::string const& name) {
  std::ifstream lines(file);
  for (std::string word; lines >> word; lines.ignore(1000, '\n'))
    if (double kib = 0; word == name && lines >> kib) return kib / 1024;
  check(false, "the system does not say how much memory there is");
  return 0;
}

}  // namespace

memory_growth::memory_growth() : before_(line_of("/proc/self/status", "VmRSS:")) {}
double memory_growth::mib() const { return line_of("/proc/self/status", "VmHWM:") - before_; }
double available_mib() { return line_of("/proc/meminfo", "MemAvailable:"); }

}  // namespace bench
