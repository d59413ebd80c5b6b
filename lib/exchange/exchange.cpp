#include <procx/exchange/exchange.hpp>

#include "exchange/exchange_core.hpp"
#include "process/process_state.hpp"
#include "system/generation.hpp"

#include <procx/error/exceptions.hpp>
#include <procx/detail/system/from_now.hpp>

#include <boost/asio/system_executor.hpp>

#include <atomic>
#include <stdexcept>
#include <utility>

namespace procx::inline v1 {

namespace detail {

callable_id new_callable_id() noexcept {
  // Odd and large: never the address of a function.
  static std::atomic<callable_id> next{callable_id{1} << 63 | 1};
  return next.fetch_add(2, std::memory_order_relaxed);
}

namespace {

deadline deadline_of(std::optional<std::chrono::nanoseconds> timeout) {
  if (!timeout) return std::nullopt;
  return from_now(*timeout);
}

}  // namespace
}  // namespace detail

exchange::exchange(exchange_options const& options) : exchange(private_tag(), std::nullopt, options) {}

exchange::exchange(private_tag, std::optional<boost::asio::any_io_executor> executor, exchange_options const& options)
    : core_(std::make_shared<detail::exchange_core>(*this, options, std::move(executor))) {}

exchange::~exchange() {
  if (core_->foreign()) {
    new std::shared_ptr(core_);  // a copy in a forked child: nothing in it may be touched
    return;
  }
  core_->disown();
}

/// A copy in a child of the user's own shares its event loop with the parent's: nothing in it may be touched.
detail::exchange_core& exchange::core() const {
  if (core_->foreign())
    throw error(errc::foreign_process, "the exchange belongs to another process: this one has inherited it by a fork");
  return *core_;
}

channel& exchange::add(channel ch) { return core().add(std::move(ch)); }

channel& exchange::add_wait(channel ch) {
  wait();
  return add(std::move(ch));
}

channel exchange::remove(channel& ch) { return core().remove(ch); }
exchange::channel_list exchange::active() const { return core().active(); }
exchange::channel_list exchange::removed() const { return core().removed(); }
std::size_t exchange::waiting() const { return core().waiting(); }
bool exchange::unfinished() const { return core().unfinished(); }
bool exchange::busy() const { return core().busy(); }

exchange::channel_list exchange::ready(std::optional<std::chrono::nanoseconds> timeout) {
  return core().ready(detail::deadline_of(timeout));
}

void exchange::wait() {
  while (busy() && unfinished()) store();
}

bool exchange::store(std::optional<std::chrono::nanoseconds> timeout) {
  return core().store(detail::deadline_of(timeout));
}

void exchange::finish() {
  while (unfinished()) store();
  core().reap();
}

void exchange::start_waiting() { core().start_waiting(); }

std::optional<channel> exchange::create() {
  wait();
  return core().create();
}

void exchange::store_data(channel&) {
  throw sequence_error("something arrived, and the exchange does not say what to do with it: override store_data");
}

void exchange::store_end(channel&) {}

std::exception_ptr exchange::no_result(channel& from) {
  // If it ended in good order its exit code is 0, or will be in a moment; else it has closed its channel and lives on.
  exit_status const likely = from.core().ended_orderly() ? exit_status::of_code(0) : exit_status();
  from.try_wait();
  auto const* const process = from.core().child().state();
  death_certificate certificate = process ? process->certificate() : death_certificate();
  if (!certificate.status.known()) certificate.status = likely;
  return std::make_exception_ptr(process_died(std::move(certificate)));
}

std::size_t exchange::index_of(channel const& from) const noexcept { return from.core().tag; }
std::size_t exchange::started() const noexcept { return core_->started(); }
exchange_options const& exchange::options() const noexcept { return core_->options(); }

void exchange::wait_for_result() {
  while (!has_result() && unfinished()) store();
  if (!has_result()) core().reap();
}

void exchange::submit(std::unique_ptr<detail::job> task) { core().submit(std::move(task)); }

/// Of the handler, if it has none of its own: there must be one to tell it that there is none.
boost::asio::any_io_executor exchange::executor_for_handlers() const {
  return core_->is_private() ? boost::asio::system_executor() : core_->executor();
}

std::uint64_t exchange::start_wait(std::unique_ptr<detail::operation>&& op, bool for_all) {
  if (core().is_private())
    throw error(errc::no_executor, "the exchange was made without an executor: asynchronous operations need one");
  return core().start_wait(std::move(op), for_all);
}

std::weak_ptr<detail::exchange_core> exchange::weak() const { return core_; }

void exchange::cancel_wait(std::weak_ptr<detail::exchange_core> const& core, std::uint64_t id) {
  if (auto const alive = core.lock()) alive->cancel_wait(id);
}

}  // namespace procx::inline v1
