#pragma once

#include <procx/version.hpp>

#include <procx/error/exit_status.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <sys/types.h>

namespace procx::inline v1 {

namespace detail {
class process_state;
}

/// A process that this one has created: its id, its end, its last words.
///
/// It is watched through a pidfd, so a pid that the system gives away again is never signalled or waited for by
/// mistake, and no SIGCHLD handler is installed. The one who holds this object is the only one who reaps the process.
/// Not thread-safe on one object. If it goes before the process has ended, the process runs on, and is reaped whenever
/// procx next starts, awaits or releases a process.
class process {
 public:
  process() noexcept;
  process(process&&) noexcept;
  process& operator=(process&&) noexcept;
  ~process();
  explicit process(std::unique_ptr<detail::process_state> state) noexcept;

  explicit operator bool() const noexcept { return state_ != nullptr; }
  pid_t pid() const noexcept;
  /// Becomes readable when the process ends. It stays open and procx's own for as long as the object lives.
  int pidfd() const noexcept;

  /// How it ended, if it has; reaps it. Never blocks.
  std::optional<exit_status> try_wait();
  /// Waits for its end. Meanwhile what it writes to its standard error is passed on.
  exit_status wait();
  std::optional<exit_status> wait_for(std::chrono::nanoseconds timeout);

  /// Sends a signal; false if the process has ended.
  bool kill(int signal) noexcept;
  /// What it wrote to its standard error last, at most 4 KiB.
  std::string stderr_tail() const;

  detail::process_state* state() const noexcept { return state_.get(); }

 private:
  std::unique_ptr<detail::process_state> state_;
};

/// A number that differs in each process that procx creates, for seeding random number generators: a forked process
/// would otherwise go on with its parent's sequence. Constant within one process.
std::uint64_t worker_seed();

}  // namespace procx::inline v1
