#pragma once

#include <cstddef>
#include <vector>

#include <sys/resource.h>

namespace procx::inline v1 {

/// A limit of setrlimit(2), such as `{RLIMIT_NOFILE, 256}`: what the process may use, or the hard limit it has if that is
/// less.
struct resource_limit {
  int resource = 0;
  rlim_t value = RLIM_INFINITY;
};

/// What each worker of a pool is allowed, and how long it is kept.
///
/// A limit that the system refuses is an error in the worker's setup: see `setup` of the pool's options.
struct worker_limits {
  /// Added to this process's own niceness, as by nice(2); from −20 to 19, where below 0 takes a privilege.
  int niceness = 0;
  /// The processors it may run on, by their numbers; empty: those that this process may run on.
  std::vector<unsigned> processors = {};
  std::vector<resource_limit> resources = {};
  /// After so many tasks the worker ends and another takes its place; 0: it is kept.
  std::size_t recycle_after_tasks = 0;
  /// When so many bytes more are resident in it than before its first task, the worker ends after the tasks it has been
  /// given, and another takes its place; 0: it is kept. Looked at when results come in, at most each millisecond, and every
  /// 10 ms while a task runs.
  std::size_t recycle_after_memory = 0;
  /// Each worker is in a control group of its own, if this process may make some (version 2, with cgroup.kill: Linux 5.14):
  /// then everything that it has started goes with it, what has left its process group too. Else nothing changes.
  bool control_groups = false;
};

}  // namespace procx::inline v1
