#pragma once

#include "daemon/call_runner.hpp"

#include <procx/daemon/daemon.hpp>

#include <filesystem>

#include <sys/types.h>

namespace procx::inline v1::detail {

/// Starts a daemon whose calls are run by what `make` makes, in the daemon; see `start_daemon`.
pid_t start_call_server(std::filesystem::path const& address, daemon_options const& options, make_call_runner const& make);
/// The same in this process; see `run_daemon`.
void run_call_server(std::filesystem::path const& address, daemon_options const& options, make_call_runner const& make);

}  // namespace procx::inline v1::detail
