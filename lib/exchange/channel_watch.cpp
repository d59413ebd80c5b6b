#include "exchange/channel_watch.hpp"

#include "process/process_state.hpp"

#include <utility>

namespace procx::inline v1::detail {

using stream = boost::asio::posix::stream_descriptor;

channel_watch::channel_watch(channel_core& core, boost::asio::any_io_executor const& executor,
                             std::function<void()> on_event)
    : core_(core), in_(executor), pidfd_(executor), errors_(executor), on_event_(std::move(on_event)) {
  try {
    begin();
  } catch (...) {
    release_descriptors();
    throw;
  }
}

void channel_watch::begin() {
  if (core_.wire().in_fd() >= 0) in_.assign(core_.wire().in_fd());
  core_.before_close = [this] {
    if (in_.is_open()) in_.release();
  };
  if (!core_.child() || core_.child().state()->status()) return;
  pidfd_.assign(core_.child().pidfd());
  watch_process();
  if (core_.child().state()->errors().fd() < 0) return;
  errors_.assign(core_.child().state()->errors().fd());
  watch_stderr();
}

channel_watch::~channel_watch() {
  alive_.reset();
  release_descriptors();
}

void channel_watch::release_descriptors() noexcept {
  core_.before_close = nullptr;
  for (stream* s : {&in_, &pidfd_, &errors_})
    if (s->is_open()) s->release();  // the descriptors are the channel's
}

void channel_watch::arm() {
  if (armed_ || !in_.is_open() || core_.wire().ended()) return;
  armed_ = true;
  in_.async_wait(stream::wait_read, [this, alive = std::weak_ptr(alive_)](boost::system::error_code error) {
    if (alive.expired() || core_.foreign()) return;
    armed_ = false;
    if (!error) on_event_();
  });
}

void channel_watch::watch_process() {
  pidfd_.async_wait(stream::wait_read, [this, alive = std::weak_ptr(alive_)](boost::system::error_code error) {
    if (alive.expired() || error || core_.foreign()) return;
    // Asio may report for a new descriptor what it has just seen of an old one.
    if (!core_.child().try_wait()) return watch_process();
    core_.note_end_of_process();
    on_event_();
  });
}

void channel_watch::watch_stderr() {
  errors_.async_wait(stream::wait_read, [this, alive = std::weak_ptr(alive_)](boost::system::error_code error) {
    if (alive.expired() || error || core_.foreign()) return;
    auto& errors = core_.child().state()->errors();
    errors.drain();
    if (errors.fd() >= 0) return watch_stderr();
    errors_.release();
  });
}

}  // namespace procx::inline v1::detail
