#include <procx/channel/start.hpp>

#include "channel/channel_core.hpp"
#include "channel/created.hpp"
#include "channel/early_nursery.hpp"
#include "channel/handover.hpp"
#include "process/fork.hpp"

#include <boost/system/system_error.hpp>

#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

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
    if (!up.core().foreign()) up.core().send_exception(std::current_exception());
  }
  finish_created(up);
  return code;
}

void finish_created(channel& up) noexcept {
  if (up.core().foreign()) return;  // the callable has forked, and this is the copy
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
  fork_plan const plan{.keep = kept, .capture_stderr = options.capture_stderr, .notes_crashes = true};
  auto child = fork_process(plan, [&] {
    channel up = make_created_channel(options, std::move(ends.there));
    return run_created(up, body);
  });
  return make_channel(options, std::move(executor), std::move(ends.here), std::move(child));
}

}  // namespace

namespace {

/// The callable goes first over the channel: whatever its size, the nursery never sees it.
channel nursery_channel(nursery& from, start_options const& options,
                        std::optional<boost::asio::any_io_executor> executor, traveller const& what) {
  auto ends = make_endpoints(options.via, options.frame_limit);
  std::vector<descriptor> given;
  for (descriptor* d : ends.there.descriptors())
    if (*d) given.push_back(std::move(*d));
  auto const terms = channel_terms::of(options);
  auto child = from.spawn(std::as_bytes(std::span(&terms, 1)), std::move(given),
                          options.capture_stderr ? captured::errors : captured::nothing);
  add_traveller(ends.here, what);
  channel up = make_channel(options, std::move(executor), std::move(ends.here), std::move(child));
  up.core().flush_blocking();
  return up;
}

}  // namespace

bool may_leave_this_image(start_options const& options) {
  switch (options.method) {
    case start_method::fork: return false;
    case start_method::automatic: return early_nursery() != nullptr;
    default: return true;
  }
}

channel start_process(start_options const& options, std::optional<boost::asio::any_io_executor> executor,
                      launch_plan const& what) {
  if (!what.travels) {
    if (options.method == start_method::nursery || options.method == start_method::exec)
      throw std::invalid_argument(PROCX_CANNOT_TRAVEL " Or one of its arguments cannot be serialized.");
    return fork_channel(options, std::move(executor), what.run);
  }
  if (options.method == start_method::exec) {
    if (!in_program_image(reinterpret_cast<void (*)()>(what.travels->entry)))
      throw std::invalid_argument("a clean image of the program cannot run this callable: it, or procx, is in a "
                                  "shared library and not in the program itself");
    return start_image(options, std::move(executor), *what.travels);
  }
  auto const from = early_nursery();
  if (!from && options.method == start_method::nursery)
    throw sequence_error("there is no nursery: call px::start_nursery first in main");
  if (!from) return fork_channel(options, std::move(executor), what.run);
  try {
    return nursery_channel(*from, options, executor, *what.travels);
  } catch (boost::system::system_error const&) {
    if (from->alive() || options.method == start_method::nursery) throw;
    return fork_channel(options, std::move(executor), what.run);  // the nursery was killed
  }
}

}  // namespace detail

channel create(start_options const& options) {
  auto ends = detail::make_endpoints(options.via, options.frame_limit);
  auto kept = ends.there.descriptors();
  auto child = detail::fork_process({.keep = kept, .capture_stderr = options.capture_stderr, .notes_crashes = true});
  if (!child) return detail::make_created_channel(options, std::move(ends.there));
  return detail::make_channel(options, std::nullopt, std::move(ends.here), std::move(child));
}

void exit(channel& up, int code) {
  detail::finish_created(up);
  detail::leave(code);
}

}  // namespace procx::inline v1
