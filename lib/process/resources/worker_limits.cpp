#include "process/resources/worker_limits.hpp"

#include "error/sanitizer.hpp"
#include "process/resources/memory_use.hpp"

#include <boost/system/system_error.hpp>

#include <cerrno>

#include <sched.h>
#include <unistd.h>

namespace procx::inline v1::detail {
namespace {

[[noreturn]] void refuse(char const* what) {
  throw boost::system::system_error(errno, boost::system::system_category(), what);
}

void limit(int resource, rlim_t value) {
  auto const which = static_cast<__rlimit_resource>(resource);
  rlimit now{};
  if (::getrlimit(which, &now) != 0) refuse("cannot read a resource limit");
  now.rlim_cur = value == RLIM_INFINITY ? now.rlim_max : value;
  if (::setrlimit(which, &now) != 0) refuse("cannot set a resource limit");
}

}  // namespace

void accept(worker_limits const& limits) {
  errno = 0;
  if (limits.niceness != 0 && ::nice(limits.niceness) == -1 && errno != 0) refuse("cannot set the niceness");
  if (!limits.processors.empty()) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (unsigned const processor : limits.processors)
      if (processor < CPU_SETSIZE) CPU_SET(processor, &set);
    if (::sched_setaffinity(0, sizeof set, &set) != 0) refuse("cannot choose these processors");
  }
  for (resource_limit const& r : limits.resources) limit(r.resource, r.value);
}

void limit_address_space([[maybe_unused]] std::size_t more) {
#ifndef PROCX_SANITIZED
  if (auto const use = memory_use_of(::getpid())) limit(RLIMIT_AS, use->address_space + more);
#endif
}

}  // namespace procx::inline v1::detail
