#include <procx/detail/daemon/client_core.hpp>

#include "daemon/client_state.hpp"

#include <utility>

namespace procx::inline v1::detail {

client_core::client_core(std::filesystem::path const& address, connect_options const& options,
                         std::optional<boost::asio::any_io_executor> executor)
    : state_(std::make_shared<state>(address, options, executor)) {
  state_->connect();
}

client_core::~client_core() { state::shut(std::move(state_)); }

std::uint64_t client_core::begin(named_call const& call, std::unique_ptr<operation>&& op, answer_by whom) {
  return state_->begin(call, std::move(op), whom == answer_by::executor, true);
}
std::uint64_t client_core::begin_later(named_call const& call, std::unique_ptr<operation>&& op) {
  return state_->begin(call, std::move(op), false, false);
}
void client_core::flush() { state_->flush(); }
void client_core::wait(std::atomic<bool> const& done) { state_->wait(done); }

void client_core::cancel(std::uint64_t id, boost::asio::cancellation_type how) { state_->cancel(id, how); }
void client_core::cancel(std::weak_ptr<void> const& core, std::uint64_t id, boost::asio::cancellation_type how) {
  if (auto const s = std::static_pointer_cast<state>(core.lock())) s->cancel(id, how);
}
std::weak_ptr<void> client_core::weak() const noexcept { return state_; }

std::size_t client_core::window() const { return state_->window(); }
handler_home& client_core::home() { return state_->context(); }
void client_core::stop_daemon() { state_->stop_daemon(); }

}  // namespace procx::inline v1::detail
