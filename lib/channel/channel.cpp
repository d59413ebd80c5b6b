#include <procx/channel/channel.hpp>

#include "channel/channel_async.hpp"
#include "channel/channel_core.hpp"

#include <boost/asio/system_executor.hpp>

namespace procx::inline v1 {

channel::channel() noexcept = default;
channel::channel(channel&&) noexcept = default;
channel& channel::operator=(channel&&) noexcept = default;
channel::~channel() = default;
channel::channel(std::unique_ptr<detail::channel_core> core) noexcept : core_(std::move(core)) {}

pid_t channel::pid() const noexcept { return core_ ? core_->pid() : 0; }

int channel::pidfd() const noexcept { return core_ ? core_->child().pidfd() : -1; }

void channel::close() noexcept {
  if (core_ && !core_->foreign()) core_->close();
}

exit_status channel::wait() { return *valid_core().wait_until(std::nullopt); }

std::optional<exit_status> channel::wait_for(std::chrono::nanoseconds timeout) {
  return valid_core().wait_until(detail::from_now(timeout));
}

std::optional<exit_status> channel::try_wait() {
  valid_core().check_owner();
  if (!core_->child()) return std::nullopt;
  return core_->child().try_wait();
}
bool channel::kill(int signal) noexcept { return core_ && core_->child().kill(signal); }
std::string channel::stderr_tail() const { return core_ ? core_->child().stderr_tail() : std::string(); }
std::optional<boost::asio::any_io_executor> channel::get_executor() const {
  return core_ ? core_->executor() : std::nullopt;
}

detail::channel_core& channel::valid_core() const {
  if (!core_) throw sequence_error("the channel is empty: it was never started, or has been moved from");
  return *core_;
}

detail::buffer& channel::begin_send() { return valid_core().begin_send(); }
void channel::abandon_send() noexcept { core_->abandon_send(); }
void channel::commit_send() { core_->commit_send(); }
void channel::finish_send() { core_->flush_blocking(); }

std::optional<detail::encoded_value> channel::next_value(
    std::optional<std::chrono::steady_clock::time_point> until) {
  return valid_core().next_value(until);
}

std::optional<detail::encoded_value> channel::value_now() {
  valid_core().check_owner();
  if (auto bytes = core_->take()) return bytes;
  core_->pump();
  if (auto bytes = core_->take()) return bytes;
  if (core_->over() && !core_->ended_orderly()) {
    auto const why = core_->why_over(std::chrono::steady_clock::now());
    if (why && detail::code_of(why) != errc::end_of_channel) std::rethrow_exception(why);
  }
  return std::nullopt;
}

boost::asio::any_io_executor channel::executor_or_throw() const {
  valid_core().check_owner();
  if (!core_->executor())
    throw error(errc::no_executor, "the channel was started without an executor: asynchronous operations need one");
  return *core_->executor();
}

exit_status channel::status_of(detail::channel_core& core) { return core.child().try_wait().value_or(exit_status()); }

/// Of the handler, if it has none of its own: there must be one to tell it that there is none.
boost::asio::any_io_executor channel::executor_for_handlers() const {
  return get_executor().value_or(boost::asio::system_executor());
}

std::weak_ptr<detail::channel_core*> channel::weak() const {
  return core_ ? core_->self() : std::weak_ptr<detail::channel_core*>();
}

void channel::cancel(std::weak_ptr<detail::channel_core*> const& core, std::uint64_t id) {
  if (auto const alive = core.lock()) (*alive)->async().cancel(id);
}

std::uint64_t channel::start_send(std::unique_ptr<detail::operation>&& op) {
  return core_->async().start_send(std::move(op));
}
std::uint64_t channel::start_receive(std::unique_ptr<detail::operation>&& op) {
  return core_->async().start_receive(std::move(op));
}
std::uint64_t channel::start_wait(std::unique_ptr<detail::operation>&& op) {
  return core_->async().start_wait(std::move(op));
}

}  // namespace procx::inline v1
