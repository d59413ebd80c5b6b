#pragma once

#include <mutex>

namespace procx::inline v1::detail {

extern unsigned forks;  // written in a child before anything else runs there

/// How many forks lie between this process and the program's first one.
///
/// What belongs to a process is stamped with it, so that a child which inherited the object, by procx or by a fork()
/// of the user's own, neither kills nor reaps nor closes what is not its own. Counted by a pthread_atfork handler.
inline unsigned generation() noexcept { return forks; }

/// Held by every fork() of the process, whoever calls it. Who holds it creates a descriptor and marks it in one step,
/// as seen from any child; and what is only ever used under it is found whole and unlocked there, where a mutex of its own
/// might be locked for ever. Never to be held while forking or while running foreign code.
std::unique_lock<std::mutex> hold_forks();

}  // namespace procx::inline v1::detail
