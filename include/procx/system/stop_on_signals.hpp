#pragma once

#include <procx/version.hpp>

#include <csignal>
#include <initializer_list>

namespace procx::inline v1 {

/// From now on these signals end what this program has in hand in good order, instead of ending the program.
///
/// After the first one nothing more is begun: tasks that wait end with `task_cancelled`, ranges are not drawn from, and
/// what is running is finished, its results taken as ever; if the range of a `pmap` has not come to its end, one outcome
/// `task_cancelled` behind the others stands for all that is left of it. Who asks an exchange which channels are `ready`
/// is told by an exception, when the others are through.
/// After the second one the processes that are at a task are killed, and their tasks are cancelled too. The third one does
/// what it would have done without this. Created processes never get to see the keys of the terminal; and those created
/// from now on heed these signals, SIGINT and SIGTERM from this program and from themselves only, so that what runs is
/// finished too if somebody sends a signal to all processes of the program, as service managers do.
///
/// Takes the place of handlers that the program has installed; a signal that is ignored stays so. For the whole process,
/// from any thread, and for good. Noticed within 10 ms where tasks are waited for. A later call adds signals.
/// Throws system_error if it is none that can be handled.
/// \code
/// px::stop_on_signals();
/// for (auto const& o : px::pmap(render, frames).outcomes())
///   if (o) save(*o);
/// \endcode
void stop_on_signals(std::initializer_list<int> signals = {SIGINT, SIGTERM});

/// The first of those signals that came; 0 if none has. Async-signal-safe.
int stop_signal() noexcept;

/// Counts a signal as one of those, for a handler of the program's own: the first stops what has not begun, the second
/// what runs; more do nothing. Works once `stop_on_signals` was called, with no signals if those are all. Async-signal-safe.
void count_stop_signal(int signal) noexcept;

}  // namespace procx::inline v1
