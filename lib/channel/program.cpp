#include <procx/channel/program.hpp>

#include "channel/channel_core.hpp"
#include "channel/created.hpp"
#include "channel/handover.hpp"
#include "process/exec.hpp"
#include "process/fork.hpp"

#include <boost/system/system_error.hpp>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace procx::inline v1 {
namespace detail {
namespace {

constexpr char const* channel_variable = "PROCX_CHANNEL";  // "in,out,frame limit,acknowledged", for any program
constexpr char const* image_variable = "PROCX_IMAGE";      // the same, for a clean image of this one

struct named_channel {
  endpoint wire;
  start_options options;
};

/// The channel whose descriptors the environment names; the variable goes, so that no grandchild takes it for its own.
std::optional<named_channel> take_from_environment(char const* variable) {
  char const* const text = std::getenv(variable);
  if (!text) return std::nullopt;
  int in = -1, out = -1;
  channel_terms terms{};
  unsigned long limit = 0;
  bool const understood = std::sscanf(text, "%d,%d,%lu,%u", &in, &out, &limit, &terms.acknowledged) == 4;
  ::unsetenv(variable);
  if (!understood || ::fcntl(in, F_GETFD) < 0) return std::nullopt;
  terms.frame_limit = limit;
  terms.is_socket = out < 0;
  ::fcntl(in, F_SETFD, FD_CLOEXEC);
  if (out >= 0) ::fcntl(out, F_SETFD, FD_CLOEXEC);
  auto first = descriptor::take(in, "channel");
  endpoint wire = terms.is_socket
                      ? endpoint(std::move(first), limit)
                      : endpoint(std::move(first), descriptor::take(out, "channel"), limit);
  return named_channel{std::move(wire), terms.options()};
}

channel exec_channel(char const* variable, std::filesystem::path const& program, std::vector<std::string> arguments,
                     start_options const& options, std::optional<boost::asio::any_io_executor> executor,
                     traveller const* what) {
  auto ends = make_endpoints(options.via, options.frame_limit);
  auto const kept = ends.there.descriptors();
  exec_plan plan{program, std::move(arguments), {}, kept, options.capture_stderr};
  plan.environment.push_back(std::string(variable) + '=' + std::to_string(kept[0]->get()) + ',' +
                             std::to_string(kept[1]->get()) + ',' + std::to_string(options.frame_limit) + ',' +
                             std::to_string(options.acknowledged));
  auto child = exec_process(plan);
  if (what)
    add_traveller(ends.here, *what);
  else
    add_hello(ends.here);
  channel up = make_channel(options, std::move(executor), std::move(ends.here), std::move(child));
  up.core().flush_blocking();
  return up;
}

/// Before main, in a process that is to be a clean image: it runs what it was made for, and nothing else.
[[gnu::constructor]] void become_image() {
  auto named = take_from_environment(image_variable);
  if (!named) return;
  become_created_process();
  leave(run_handed_over(named->options, std::move(named->wire)));
}

}  // namespace

channel start_image(start_options const& options, std::optional<boost::asio::any_io_executor> executor,
                    traveller const& what) {
  return exec_channel(image_variable, "/proc/self/exe", {}, options, std::move(executor), &what);
}

}  // namespace detail

channel start_program(std::filesystem::path const& program, std::vector<std::string> const& arguments,
                      start_options const& options) {
  return detail::exec_channel(detail::channel_variable, program, arguments, options, std::nullopt, nullptr);
}

channel parent_channel() {
  auto named = detail::take_from_environment(detail::channel_variable);
  if (!named) throw connection_error("this program was not executed by px::start_program");
  detail::add_hello(named->wire);
  named->wire.flush();
  return detail::make_created_channel(named->options, std::move(named->wire));
}

}  // namespace procx::inline v1
