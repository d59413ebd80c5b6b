#include <procx/daemon/daemon.hpp>

#include "address/detached_process.hpp"
#include "daemon/call_server.hpp"
#include "daemon/service_manager.hpp"

#include <procx/detail/daemon/client_core.hpp>

#include <csignal>
#include <functional>
#include <optional>
#include <utility>

namespace procx::inline v1 {
namespace {

/// Afterwards the thread blocks the signals that it blocks now.
class kept_signal_mask {
 public:
  kept_signal_mask() noexcept { ::pthread_sigmask(SIG_BLOCK, nullptr, &mask_); }
  kept_signal_mask(kept_signal_mask const&) = delete;
  ~kept_signal_mask() { ::pthread_sigmask(SIG_SETMASK, &mask_, nullptr); }

 private:
  sigset_t mask_;
};

}  // namespace

pid_t start_daemon(std::filesystem::path const& address, daemon_options const& options) {
  return detail::start_detached(
      address, [&](detail::address const&, detail::address_claim& claim, std::function<void()> const& listens) {
        if (options.prepare) options.prepare();
        // Not destroyed: a client that has asked for the end waits until the system closes its connection.
        auto* const server = new detail::call_server({.claim = &claim}, options);
        listens();
        server->run();
      });
}

void run_daemon(std::filesystem::path const& address, daemon_options const& options) {
  detail::service_manager manager;
  detail::descriptor socket = manager.take_socket();
  std::optional<detail::address> at;
  std::optional<detail::address_claim> claim;
  if (!socket) claim.emplace(at.emplace(address));
  if (options.prepare) options.prepare();
  kept_signal_mask const mask;
  detail::call_server(detail::listening_place{claim ? &*claim : nullptr, std::move(socket), &manager}, options).run();
}

void stop_daemon(std::filesystem::path const& address) { detail::client_core(address, {}, std::nullopt).stop_daemon(); }

}  // namespace procx::inline v1
