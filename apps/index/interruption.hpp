#pragma once

namespace indexer {

/// From now on the first SIGINT, SIGTERM or SIGHUP is only noted, so that a build can end in good order; the second one
/// ends the program as ever. A signal that was ignored when the program started stays ignored.
void watch_for_interruption();

/// The signal that has come, or 0. Thread-safe.
int interruption() noexcept;

}  // namespace indexer
