#include <procx/channel/program.hpp>

#include "channel/channel_core.hpp"
#include "channel/created.hpp"
#include "channel/handover.hpp"
#include "process/exec.hpp"
#include "process/exit_guard.hpp"
#include "process/fork.hpp"

#include <boost/system/system_error.hpp>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/auxv.h>
#include <unistd.h>

namespace procx::inline v1 {
namespace detail {
namespace {

constexpr char const* channel_variable = "PROCX_CHANNEL";  // a channel_place, for any program
constexpr char const* image_variable = "PROCX_IMAGE";      // the same, for a clean image of this one

// What a clean image is executed as. To whoever executes by this name it is his own program, so nobody but a process of
// this program can make another in whose auxiliary vector it stands.
constexpr char const* own_image = "/proc/self/exe";

/// Set-user-id, set-group-id or with capabilities of its file: the environment is that of somebody with fewer rights.
bool has_more_rights_than_caller() noexcept { return ::getauxval(AT_SECURE) != 0; }

constexpr int image_refused = 127;

struct named_channel {
  endpoint wire;
  start_options options;
};

/// The channel whose descriptors the environment names; the variable goes, so that no grandchild takes it for its own. None
/// with more rights than the caller, who would have set it.
std::optional<named_channel> take_from_environment(char const* variable) {
  char const* const text = ::secure_getenv(variable);
  if (!text) return std::nullopt;
  auto const place = channel_place::from(text);
  ::unsetenv(variable);
  auto const is_open = [](int fd) { return ::fcntl(fd, F_SETFD, FD_CLOEXEC) == 0; };
  if (!place || !is_open(place->in) || (place->out >= 0 && !is_open(place->out))) return std::nullopt;
  auto first = descriptor::take(place->in, "channel");
  std::size_t const limit = place->frame_limit;
  endpoint wire = place->out < 0 ? endpoint(std::move(first), limit)
                                 : endpoint(std::move(first), descriptor::take(place->out, "channel"), limit);
  return named_channel{std::move(wire), place->terms().options()};
}

/// Values go in the native form, so the machines must be alike. Without a deadline: the program greets when it asks for its
/// channel, and may have much to do before; its end ends the wait.
handshake to_other_program(start_options const& options) {
  return {greeting::own(image_fingerprint(), options.frame_limit), handshake::demand::machine};
}

channel exec_channel(char const* variable, std::filesystem::path const& program, std::vector<std::string> arguments,
                     start_options const& options, std::optional<boost::asio::any_io_executor> executor,
                     traveller const* what) {
  auto ends = make_endpoints(options.via, options.frame_limit);
  auto const kept = ends.there.descriptors();
  exec_plan plan{program, std::move(arguments), {}, kept, options.capture_stderr, what != nullptr};
  channel_place const place{kept[0]->get(), kept[1]->get(), options.frame_limit, options.acknowledged};
  plan.environment.push_back(std::string(variable) + '=' + place.text());
  auto child = exec_process(plan);
  if (what) add_traveller(ends.here, *what);
  channel up = make_channel(options, std::move(executor), std::move(ends.here), std::move(child));
  if (!what) up.core().greet(to_other_program(options));
  up.core().flush_blocking();
  return up;
}

bool is_executed_by_own_image() noexcept {
  auto const* const name = reinterpret_cast<char const*>(::getauxval(AT_EXECFN));
  return name && std::string_view(name) == own_image;
}

/// Static objects are initialized in a clean image as well: if one of them asks for a clean image, so it does there.
bool is_becoming_image() noexcept { return is_executed_by_own_image() && std::getenv(image_variable); }

/// Before main, in a process that is to be a clean image: it runs what it was made for, and nothing else. Any other forgets
/// the variable, or one in which the program executes itself would inherit what somebody has put there.
[[gnu::constructor]] void become_image() {
  if (!std::getenv(image_variable)) return;
  if (!is_becoming_image()) {
    ::unsetenv(image_variable);
    return;
  }
  auto named = take_from_environment(image_variable);
  if (!named) ::_exit(image_refused);  // main is for the program
  become_created_process();
  guard_own_exit();
  heed_maker_since_exec();
  leave(run_handed_over(named->options, std::move(named->wire)));
}

}  // namespace

channel start_image(start_options const& options, std::optional<boost::asio::any_io_executor> executor,
                    traveller const& what) {
  if (has_more_rights_than_caller())
    throw boost::system::system_error(EPERM, boost::system::system_category(),
                                      "a program with more rights than its caller has no clean image");
  if (is_becoming_image()) throw sequence_error("in a clean image, the static objects are to be initialized without another one");
  return exec_channel(image_variable, own_image, {}, options, std::move(executor), &what);
}

}  // namespace detail

channel start_program(std::filesystem::path const& program, std::vector<std::string> const& arguments,
                      start_options const& options) {
  return detail::exec_channel(detail::channel_variable, program, arguments, options, std::nullopt, nullptr);
}

channel parent_channel() {
  auto named = detail::take_from_environment(detail::channel_variable);
  if (!named) throw connection_error("this program was not executed by px::start_program");
  channel up = detail::make_created_channel(named->options, std::move(named->wire));
  up.core().greet(detail::to_other_program(named->options));
  up.core().wire().flush();
  return up;
}

}  // namespace procx::inline v1
