#pragma once

#include "address/address.hpp"
#include "system/descriptor.hpp"

#include <filesystem>
#include <functional>

#include <sys/types.h>

namespace procx::inline v1::detail {

/// What runs in a detached process: claims the address, and calls `listens` once, when clients can connect. The process ends
/// when it returns.
using detached_body = std::function<void(address const& at, std::function<void()> const& listens)>;

/// Starts a process that outlives this one and is met at the path of a socket: in a session of its own, without a terminal, in
/// the folder `/`, with the umask 077 and an empty standard input. It is a copy of this process. Returns its id as soon as it
/// listens.
///
/// Throws connection_error if the address is another process's or cannot be used; process_died, with the end of the log, if the
/// process ends before it listens; system_error if the system lacks something; remote_exception if the body has thrown anything
/// else before. Cost: two forks.
pid_t start_detached(std::filesystem::path const& where, detached_body const& body);

/// In a detached process: blocks SIGTERM and SIGINT. They are read from the descriptor, as signalfd(2) says.
descriptor stop_signals_as_descriptor();

}  // namespace procx::inline v1::detail
