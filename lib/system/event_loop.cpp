#include "system/event_loop.hpp"

#include "system/descriptor.hpp"
#include "system/generation.hpp"

#include <procx/error/exceptions.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include <dirent.h>

namespace procx::inline v1::detail {
namespace {

std::vector<int> open_descriptors() {
  std::vector<int> all;
  DIR* const dir = ::opendir("/proc/self/fd");
  if (!dir) return all;
  while (dirent const* entry = ::readdir(dir)) {
    int fd = -1;
    std::string_view const name = entry->d_name;
    auto const [end, error] = std::from_chars(name.data(), name.data() + name.size(), fd);
    if (error == std::errc() && fd != ::dirfd(dir)) all.push_back(fd);
  }
  ::closedir(dir);
  std::ranges::sort(all);
  return all;
}

bool is_reactor_descriptor(int fd) {
  char target[32];
  ssize_t const n = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), target, sizeof target);
  std::string_view const name(target, n > 0 ? static_cast<std::size_t>(n) : 0);
  return name.starts_with("anon_inode:[event") || name.starts_with("anon_inode:[timerfd");
}

}  // namespace

/// An io_context whose own descriptors are known, so that created processes do not keep them open. Asio does not tell
/// them; they are found as what appears while it is made, with no fork in between.
struct event_loop::context {
  boost::asio::io_context io{1};
  std::vector<int> reactor;

  static std::unique_ptr<context> make() {
    auto const held = hold_forks();
    auto const before = open_descriptors();
    auto made = std::make_unique<context>();
    boost::asio::posix::stream_descriptor const starts_the_reactor(made->io);
    for (int fd : open_descriptors())
      if (!std::ranges::binary_search(before, fd) && is_reactor_descriptor(fd)) {
        mark_descriptor(fd);
        made->reactor.push_back(fd);
      }
    return made;
  }
  ~context() {
    for (int fd : reactor) unmark_descriptor(fd);
  }
};

event_loop::event_loop() : context_(context::make()), generation_(generation()), executor_(context_->io.get_executor()) {}

event_loop::event_loop(boost::asio::any_io_executor executor)
    : generation_(generation()), executor_(std::move(executor)) {}

event_loop::event_loop(event_loop&&) noexcept = default;

event_loop::~event_loop() {
  if (foreign()) (void)context_.release();  // its descriptors are closed here, or the parent's
}

bool event_loop::run_until(std::function<bool()> const& condition, deadline until) {
  if (!context_) throw sequence_error("an object on your executor cannot block: use its async_ operations");
  auto& io = context_->io;
  while (!condition()) {
    io.restart();  // it has stopped if the last handler left no work, and then the condition has posted some
    if ((until ? io.run_one_until(*until) : io.run_one()) > 0) continue;
    if (until) io.poll();  // Asio does not look any more when the time is up, and here it may have been from the beginning
    return condition();
  }
  return true;
}

void event_loop::poll() {
  if (!context_) return;
  context_->io.restart();
  context_->io.poll();
}

}  // namespace procx::inline v1::detail
