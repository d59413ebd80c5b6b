#include <procx/background/background_callable.hpp>

#include "address/detached_process.hpp"
#include "background/result_server.hpp"

namespace procx::inline v1::detail {

pid_t start_background(std::filesystem::path const& where, background_options const& options,
                       std::function<void(channel&)> const& body) {
  return start_detached(where, [&](address const& at, std::function<void()> const& listens) {
    address_claim claim(at);
    claim.redirect_output();
    result_server server(at, claim, options, body);
    listens();
    server.run();
  });
}

}  // namespace procx::inline v1::detail
