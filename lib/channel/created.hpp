#pragma once

#include "endpoint/endpoint.hpp"
#include "process/process_state.hpp"

#include <procx/channel/channel.hpp>
#include <procx/channel/start_options.hpp>
#include <procx/wire/travel.hpp>

#include <functional>
#include <memory>
#include <optional>

namespace procx::inline v1::detail {

channel make_channel(start_options const& options, std::optional<boost::asio::any_io_executor> executor, endpoint wire,
                     std::unique_ptr<process_state> child);
channel make_created_channel(start_options const& options, endpoint wire);

/// In a created process: calls the body and sends what it throws, then the end. Returns the exit code.
int run_created(channel& up, std::function<void(channel&)> const& body);
void finish_created(channel& up) noexcept;
/// The same for what comes over the channel first: a callable that has travelled.
int run_handed_over(start_options const& options, endpoint wire);

/// Executes this program anew for a callable that travels.
channel start_image(start_options const& options, std::optional<boost::asio::any_io_executor> executor,
                    traveller const& what);

}  // namespace procx::inline v1::detail
