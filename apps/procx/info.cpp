#include "info.hpp"

#include <procx/process/worker_count.hpp>
#include <procx/version.hpp>

#include <boost/version.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <string>

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace {

std::string limit_of(decltype(RLIMIT_NOFILE) which) {
  rlimit limit{};
  if (::getrlimit(which, &limit) != 0) return "unknown";
  auto const text = [](rlim_t n) { return n == RLIM_INFINITY ? std::string("unlimited") : std::to_string(n); };
  return text(limit.rlim_cur) + " (at most " + text(limit.rlim_max) + ")";
}

char const* yes_or_no(bool b) { return b ? "yes" : "no"; }

bool has_pidfd() {
  auto const fd = static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0));
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}

bool has_memfd() {
  int const fd = ::memfd_create("procx", MFD_CLOEXEC);
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}

}  // namespace

int info() {
  utsname system{};
  ::uname(&system);
  fmt::print("procx        {}.{}.{}\n", PROCX_VERSION / 10000, PROCX_VERSION / 100 % 100, PROCX_VERSION % 100);
  fmt::print("Boost        {}.{}.{}\n", BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100);
  fmt::print("kernel       {} {}\n", system.sysname, system.release);
  fmt::print("processors   {} of {} may be used\n", procx::available_cores(), ::sysconf(_SC_NPROCESSORS_ONLN));
  fmt::print("descriptors  {}\n", limit_of(RLIMIT_NOFILE));
  fmt::print("processes    {}\n", limit_of(RLIMIT_NPROC));
  fmt::print("pidfd        {}\n", yes_or_no(has_pidfd()));
  fmt::print("memfd        {}\n", yes_or_no(has_memfd()));
  return has_pidfd() ? 0 : 1;
}
