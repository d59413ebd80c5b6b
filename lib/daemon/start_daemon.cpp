#include <procx/daemon/daemon.hpp>

#include "address/detached_process.hpp"
#include "daemon/call_server.hpp"

#include <procx/detail/daemon/client_core.hpp>

#include <functional>

namespace procx::inline v1 {

pid_t start_daemon(std::filesystem::path const& address, daemon_options const& options) {
  return detail::start_detached(
      address, [&](detail::address const&, detail::address_claim& claim, std::function<void()> const& listens) {
        if (options.prepare) options.prepare();
        // Not destroyed: a client that has asked for the end waits until the system closes its connection.
        auto* const server = new detail::call_server(claim, options);
        listens();
        server->run();
      });
}

void stop_daemon(std::filesystem::path const& address) { detail::client_core(address, {}, std::nullopt).stop_daemon(); }

}  // namespace procx::inline v1
