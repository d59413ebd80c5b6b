#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace procx::inline v1::detail {

/// Whether processes have been killed for want of memory, by the system or by the control group that this process is in.
///
/// The kernel counts such deaths and does not say whose they were: a process that SIGKILL ended while a count has gone up
/// is very likely one of them.
class oom_watch {
 public:
  /// Counts from now on. `files`: where counts are found, as lines or words "oom_kill N".
  oom_watch();
  explicit oom_watch(std::vector<std::string> files);

  /// Whether there has been any since the last call. Cost: some tens of microseconds.
  bool has_risen();

 private:
  std::uint64_t count() const;

  std::vector<std::string> files_;
  std::uint64_t seen_ = 0;
};

}  // namespace procx::inline v1::detail
