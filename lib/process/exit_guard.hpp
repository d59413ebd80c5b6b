#pragma once

#include <memory>

namespace procx::inline v1::detail {

/// While it lives, what this process forks runs none of this process's exit handlers and destructors of static objects
/// when it ends, by exit(), quick_exit() or a return from main: it is left, with that status, as by `leave`. What the
/// child itself has registered since runs before. Made before the fork, since in a child a thread could hold the lock of the
/// list of handlers for ever. Throws bad_alloc.
class exit_guard {
 public:
  exit_guard();
  exit_guard(exit_guard const&) = delete;
  exit_guard& operator=(exit_guard const&) = delete;
  ~exit_guard();

 private:
  std::unique_ptr<unsigned> made_in_;  // a generation; its address names the entries of the two lists
};

/// In a process that was executed to be one of procx's: the same from here on.
void guard_own_exit();

/// In a process that was forked, first of all.
void become_guarded() noexcept;

}  // namespace procx::inline v1::detail
