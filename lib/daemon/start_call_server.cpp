#include "daemon/start_call_server.hpp"

#include "address/detached_process.hpp"
#include "daemon/call_server.hpp"
#include "daemon/hand_over.hpp"
#include "daemon/service_manager.hpp"

#include <csignal>
#include <functional>
#include <optional>
#include <utility>

namespace procx::inline v1::detail {
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

pid_t start_call_server(std::filesystem::path const& address, daemon_options const& options, make_call_runner const& make) {
  return start_detached(address, [&](detail::address const& at, std::function<void()> const& listens) {
    address_claim claim(at, address_claim::later());
    if (!options.take_over) claim.claim();
    claim.redirect_output();
    if (options.prepare) options.prepare();
    auto const listen = [&] {
      if (options.take_over) {
        if (auto passed = ask_for_hand_over(at))
          return claim.take_over(std::move(passed->lock), std::move(passed->listener));
        claim.claim();
      }
      return claim.listen();
    };
    // Not destroyed: a client that has asked for the end waits until the system closes its connection.
    auto* const server = new call_server({.listen = listen, .claim = &claim}, options, make);
    listens();
    server->run();
  });
}

void run_call_server(std::filesystem::path const& address, daemon_options const& options, make_call_runner const& make) {
  service_manager manager;
  descriptor socket = manager.take_socket();
  std::optional<detail::address> at;
  std::optional<address_claim> claim;
  if (!socket) claim.emplace(at.emplace(address));
  if (options.prepare) options.prepare();
  kept_signal_mask const mask;
  auto const listen = [&] { return claim ? claim->listen() : std::move(socket); };
  call_server({.listen = listen, .claim = claim ? &*claim : nullptr, .manager = &manager}, options, make).run();
}

}  // namespace procx::inline v1::detail
