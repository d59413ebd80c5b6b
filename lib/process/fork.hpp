#pragma once

#include "process/death_watch.hpp"
#include "process/heed_maker.hpp"
#include "process/process_state.hpp"
#include "system/descriptor.hpp"

#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <span>

namespace procx::inline v1::detail {

/// What the new process keeps of procx's descriptors, and where its standard error goes.
struct fork_plan {
  std::span<descriptor* const> keep = {};  ///< become the child's own
  bool capture_stderr = true;              ///< else it writes where this process does, or …
  int stderr_to = -1;                      ///< … to this descriptor, unless it is −1
  bool stdout_too = false;                 ///< its standard output goes where its standard error does
  bool notes_crashes = false;              ///< a fatal signal leaves a trace: see `process_state::certificate`
  int death_signal = SIGKILL;              ///< what it gets when this process dies
  std::optional<makers_signals> heeds = {};  ///< none: this process is its maker, and these are this program's stop signals
};

/// A fork with everything put right in the child: signals at their defaults and unblocked, no descriptor of procx's
/// but those to keep, stdin empty, dead when its parent is. Returns the process to the parent, null to the child.
///
/// Safe in a program with threads as far as fork() can be: between fork and the caller's own code nothing is called
/// that could wait for another thread. Throws system_error if the system has no room for another process.
std::unique_ptr<process_state> fork_process(fork_plan const& plan);

/// The same; the child runs `body` and ends with what it returns, without running exit handlers.
std::unique_ptr<process_state> fork_process(fork_plan const& plan, std::function<int()> const& body);

/// In a new process: signals that the program has handlers for do again what they do by default. Async-signal-safe.
void forget_handlers() noexcept;

/// Ends a created process: what it has buffered is written, nothing else happens. So it does as well, with their status, when
/// it calls exit() or quick_exit() or returns from main.
[[noreturn]] void leave(int code) noexcept;

/// Whether this process was made by procx; and how one says so that was executed, not forked.
bool is_created_process() noexcept;
void become_created_process() noexcept;

/// Watches a child that was just created; if there is no descriptor left to do so, it is killed and EMFILE thrown.
std::unique_ptr<process_state> watch_process(pid_t pid, death_watch watch, descriptor stderr_end);

/// Whether a new process may be made to die with the calling thread.
bool may_tie_child() noexcept;

/// For threads of procx's own: a process may be tied to them as to the main thread.
void this_thread_outlives_processes() noexcept;

}  // namespace procx::inline v1::detail
