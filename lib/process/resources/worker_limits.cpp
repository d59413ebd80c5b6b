#include "process/resources/worker_limits.hpp"

#include "error/sanitizer.hpp"
#include "system/memory_use.hpp"

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include <sched.h>
#include <unistd.h>

namespace procx::inline v1::detail {
namespace {

[[noreturn]] void refuse(std::string const& what) {
  throw boost::system::system_error(errno, boost::system::system_category(), what);
}

std::string name_of(int resource) {
  switch (resource) {
    case RLIMIT_AS: return "RLIMIT_AS";
    case RLIMIT_CORE: return "RLIMIT_CORE";
    case RLIMIT_CPU: return "RLIMIT_CPU";
    case RLIMIT_DATA: return "RLIMIT_DATA";
    case RLIMIT_FSIZE: return "RLIMIT_FSIZE";
    case RLIMIT_MEMLOCK: return "RLIMIT_MEMLOCK";
    case RLIMIT_NOFILE: return "RLIMIT_NOFILE";
    case RLIMIT_NPROC: return "RLIMIT_NPROC";
    case RLIMIT_STACK: return "RLIMIT_STACK";
    default: return std::to_string(resource);
  }
}

enum class bound {
  soft,  ///< what the process may use now is not to become more
  hard,  ///< it may, up to what the system allows
};

/// The lesser of what is asked and what may be had.
void limit(int resource, rlim_t value, bound by) {
  auto const failed = [&](char const* what) {
    refuse(std::string("cannot ") + what + " the resource limit " + name_of(resource) + ", which is to be " +
           std::to_string(value));
  };
  auto const which = static_cast<__rlimit_resource>(resource);
  rlimit now{};
  if (::getrlimit(which, &now) != 0) failed("read");
  now.rlim_cur = std::min(value, by == bound::hard ? now.rlim_max : now.rlim_cur);  // none is the largest number
  if (::setrlimit(which, &now) != 0) failed("set");
}

void choose_processors(std::vector<unsigned> const& processors) {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::string list;
  for (unsigned const processor : processors) {
    if (processor < CPU_SETSIZE) CPU_SET(processor, &set);
    list += (list.empty() ? "" : ", ") + std::to_string(processor);
  }
  if (::sched_setaffinity(0, sizeof set, &set) != 0) refuse("cannot choose these processors: " + list);
}

void be_nice(int niceness) {
  constexpr int most = 40;  // from one end to the other: what is more means the end
  errno = 0;
  if (::nice(std::clamp(niceness, -most, most)) == -1 && errno != 0)
    refuse("cannot add " + std::to_string(niceness) + " to the niceness");
}

}  // namespace

void accept(worker_limits const& limits) {
  if (limits.niceness != 0) be_nice(limits.niceness);
  if (!limits.processors.empty()) choose_processors(limits.processors);
  for (resource_limit const& r : limits.resources) limit(r.resource, r.value, bound::hard);
}

void limit_address_space([[maybe_unused]] std::size_t more) {
#ifndef PROCX_SANITIZED
  auto const use = memory_use_of(::getpid());
  if (!use) return;
  rlim_t const rest = RLIM_INFINITY - use->address_space;
  limit(RLIMIT_AS, more < rest ? use->address_space + more : RLIM_INFINITY, bound::soft);
#endif
}

}  // namespace procx::inline v1::detail
