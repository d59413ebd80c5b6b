#include <procx/daemon/daemon.hpp>

#include "daemon/registered_calls.hpp"
#include "daemon/server_protocol.hpp"
#include "daemon/start_call_server.hpp"

#include <procx/detail/daemon/client_core.hpp>
#include <procx/pool/pool_options.hpp>

#include <algorithm>
#include <memory>

namespace procx::inline v1 {
namespace {

detail::make_call_runner runner_with(daemon_options const& o) {
  return [&o](detail::event_loop& loop) {
    pool_options const workers{.workers = o.workers,
                               .retries = o.retries,
                               .task_timeout = o.task_timeout,
                               .grace = o.grace,
                               .memory_limit = o.memory_limit,
                               .limits = o.limits,
                               .idle_timeout = o.idle_timeout,
                               .frame_limit = std::max(o.frame_limit, detail::server_protocol::least_frame_limit),
                               .setup = o.setup,
                               .teardown = o.teardown};
    return std::make_unique<detail::registered_calls>(loop, detail::settings_of(workers));
  };
}

}  // namespace

pid_t start_daemon(std::filesystem::path const& address, daemon_options const& options) {
  return detail::start_call_server(address, options, runner_with(options));
}

void run_daemon(std::filesystem::path const& address, daemon_options const& options) {
  detail::run_call_server(address, options, runner_with(options));
}

void stop_daemon(std::filesystem::path const& address) { detail::client_core(address, {}, std::nullopt).stop_daemon(); }

}  // namespace procx::inline v1
