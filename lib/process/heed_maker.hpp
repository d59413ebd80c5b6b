#pragma once

#include "system/signal_bits.hpp"

#include <csignal>

#include <sys/types.h>

namespace procx::inline v1::detail {

/// What a created process heeds only if it comes from its maker, or from itself: whoever stops all processes of a program
/// at once, as service managers do, stops the program, and that ends its workers when they are done.
struct makers_signals {
  pid_t maker = 0;
  signal_bits which = 0;
};

/// By a new process, while these signals are blocked. They do what they do by default if the maker sends them; where they
/// are ignored or have a handler this changes nothing, and what the process executes has the default again.
void heed_only_maker(makers_signals const& signals) noexcept;
/// The same by one that was executed with its maker's stop signals blocked: those that are. Unblocks them.
void heed_maker_since_exec() noexcept;

sigset_t set_of(signal_bits signals) noexcept;

}  // namespace procx::inline v1::detail
