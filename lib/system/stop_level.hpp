#pragma once

#include "system/signal_bits.hpp"

#include <procx/error/exceptions.hpp>
#include <procx/system/stop_on_signals.hpp>

namespace procx::inline v1::detail {

/// Whether it was called at all.
bool stops_on_signals() noexcept;

/// What `stop_on_signals` asks for: 0 nothing, 1 to begin nothing more, 2 to stop what runs.
int stop_level() noexcept;

/// The signals that this program stops on, and SIGINT and SIGTERM; none before `stop_on_signals` was called, here or in the
/// process that made this one. Created processes heed them from their maker only.
signal_bits stop_signals() noexcept;
/// By a new process, of its maker's.
void stop_signals_are(signal_bits signals) noexcept;

/// The error of what is not begun, or not finished, because of that.
task_cancelled stopped();

}  // namespace procx::inline v1::detail
