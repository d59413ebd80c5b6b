#pragma once

#include <span>

#include <sys/types.h>
#include <sys/uio.h>

namespace procx::inline v1::detail {

// What this kernel offers, and lets this process use. A sandbox answers a call with EPERM, EACCES, EINVAL or ENOSYS as it
// likes, so any error but those of the matter itself means that there is no such call, and there is another way. Nothing
// is remembered of what would be needed from the beginning on: a program may shut itself in at any time.

/// Whether a process can be watched and reaped by a pidfd: from Linux 5.4 on, not under valgrind 3.19. Cost: a microsecond.
bool has_pidfds() noexcept;

enum class sent {
  yes,
  nobody_there,  ///< it has ended, and was reaped
  no_way,        ///< by this descriptor: the process may be there
};
/// Sends a signal to the process of a pidfd. Async-signal-safe.
sent send_by_pidfd(int pidfd, int signal) noexcept;

/// Whether a child of this process has this number, and has not been reaped: so long it is nobody else's.
bool is_unreaped_child(pid_t pid) noexcept;

/// All descriptors from this number on are closed when another program is executed. Async-signal-safe.
void close_on_exec_from(int first) noexcept;

/// writev that raises no SIGPIPE. `n` is what it returns, with errno; false, with nothing written, if there is no such call.
bool write_without_signal(int fd, std::span<iovec const> from, ssize_t& n) noexcept;

}  // namespace procx::inline v1::detail
