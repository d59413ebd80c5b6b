#include <procx/channel/start.hpp>

#include "channel/channel_core.hpp"
#include "channel/created.hpp"
#include "process/fork.hpp"

#include <array>
#include <memory>
#include <utility>

namespace procx::inline v1 {
namespace detail {

int run_created(channel& up, std::function<void(channel&)> const& body) {
  int code = 0;
  try {
    body(up);
  } catch (end_of_channel const&) {
    // The creating side has gone, or wants no more.
  } catch (...) {
    code = 1;
    up.core().send_exception(std::current_exception());
  }
  finish_created(up);
  return code;
}

void finish_created(channel& up) noexcept {
  try {
    up.core().send_end();
    while (!up.core().wire().flush()) up.core().wait_io(std::nullopt);
  } catch (...) {
    // Nobody reads any more.
  }
}

channel make_channel(start_options const& options, std::optional<boost::asio::any_io_executor> executor, endpoint wire,
                     std::unique_ptr<process_state> child) {
  auto core = std::make_unique<channel_core>(std::move(wire), process(std::move(child)), options.acknowledged);
  if (executor) core->use_executor(std::move(*executor));
  return channel(std::move(core));
}

channel make_created_channel(start_options const& options, endpoint wire) {
  return channel(std::make_unique<channel_core>(std::move(wire), options.acknowledged));
}

namespace {

channel fork_channel(start_options const& options, std::optional<boost::asio::any_io_executor> executor,
                     std::function<void(channel&)> const& body) {
  auto ends = make_endpoints(options.via, options.frame_limit);
  auto kept = ends.there.descriptors();
  fork_plan const plan{kept, options.capture_stderr};
  auto child = fork_process(plan, [&] {
    channel up = make_created_channel(options, std::move(ends.there));
    return run_created(up, body);
  });
  return make_channel(options, std::move(executor), std::move(ends.here), std::move(child));
}

}  // namespace

channel start_process(start_options const& options, std::optional<boost::asio::any_io_executor> executor,
                      launch_plan const& what) {
  return fork_channel(options, std::move(executor), what.run);
}

bool may_leave_this_image(start_options const&) { return false; }

}  // namespace detail

channel create(start_options const& options) {
  auto ends = detail::make_endpoints(options.via, options.frame_limit);
  auto kept = ends.there.descriptors();
  auto child = detail::fork_process({kept, options.capture_stderr});
  if (!child) return detail::make_created_channel(options, std::move(ends.there));
  return detail::make_channel(options, std::nullopt, std::move(ends.here), std::move(child));
}

void exit(channel& up, int code) {
  detail::finish_created(up);
  detail::leave(code);
}

}  // namespace procx::inline v1
