#pragma once

#include "system/descriptor.hpp"
#include "system/kernel.hpp"

#include <utility>

#include <sys/types.h>

namespace procx::inline v1::detail {

/// How the parent will see the end of a child: a pidfd, or, where there is none, the end of a pipe whose other end the
/// child holds for as long as it lives. To be made before the fork.
class death_watch {
 public:
  death_watch() {
    if (!has_pidfds()) pipe_ = make_pipe();
  }
  /// What the child must keep; −1 for nothing.
  int childs_end() const noexcept { return pipe_.second.get(); }
  /// Readable when the child has ended. If somebody else has reaped it (SIGCHLD is ignored, say), what is readable like
  /// that of one that has ended, and leads to nobody. Throws system_error if there is no descriptor left.
  descriptor of(pid_t child) &&;

 private:
  std::pair<descriptor, descriptor> pipe_;
};

}  // namespace procx::inline v1::detail
