#pragma once

namespace console {

/// What an interruption does to pools, pipelines and the like.
enum class running_work {
  is_stopped,  ///< tasks that run are stopped as well
  goes_on,     ///< the program asks `interruption`, and decides when it ends
};

/// From now on the first SIGINT, SIGTERM or SIGHUP is only noted, so that a program can shut down cleanly; the second one
/// ends the program as ever. A signal that was ignored when the program started stays ignored.
/// Processes that were created do not see what the keys of the terminal send.
void watch_for_interruption(running_work then);

/// The signal that has come, or 0. Thread-safe.
int interruption() noexcept;

}  // namespace console
