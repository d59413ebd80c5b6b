#include "pool/serial_context.hpp"

#include "process/fork.hpp"
#include "system/all_signals_blocked.hpp"
#include "system/io.hpp"

#include <procx/error/exceptions.hpp>
#include <procx/error/outcome.hpp>

#include <boost/asio/strand.hpp>
#include <boost/asio/system_executor.hpp>

#include <csignal>
#include <ctime>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <unistd.h>

namespace procx::inline v1::detail {
namespace {

void report_escaped(std::exception_ptr const& what) noexcept {
  try {
    std::string const line = "procx: a handler on a pool's own thread has thrown: " + message_of(what) + '\n';
    write_some(STDERR_FILENO, std::as_bytes(std::span(line)));
  } catch (...) {
    constexpr std::string_view line = "procx: a handler on a pool's own thread has thrown\n";
    write_some(STDERR_FILENO, std::as_bytes(std::span(line)));
  }
}

event_loop make_loop(std::optional<boost::asio::any_io_executor> const& executor) {
  return executor ? event_loop(boost::asio::make_strand(*executor)) : event_loop();
}

}  // namespace

constinit thread_local serial_context const* serial_context::current = nullptr;

serial_context::serial_context(std::optional<boost::asio::any_io_executor> const& executor) : loop_(make_loop(executor)) {}

boost::asio::any_io_executor serial_context::executor_for_handlers() const {
  return is_private() && foreign() ? boost::asio::system_executor() : executor();
}

void serial_context::refuse() {
  throw error(errc::foreign_process, "the pool belongs to another process, which this is a fork of");
}

void serial_context::refuse_to_wait() {
  throw sequence_error("this handler runs on the pool's own thread, which cannot wait for itself: bind it to an executor");
}

void serial_context::start() {
  if (!is_private()) return;
  work_.emplace(executor());
  all_signals_blocked const none_for_us;
  thread_ = std::thread([this] {
    current = this;
    this_thread_outlives_processes();  // they are gone when `shut` lets it end
    run();
    current = nullptr;
    auto const last = std::move(owner_);  // with this object, if a handler has shut it
  });
}

/// Whatever the handlers throw. Those of procx's own see to their failures themselves; what comes here is what a handler of
/// the user's has thrown, who bound it to no executor, and there is nobody but the terminal to tell.
void serial_context::run() noexcept {
  while (!finished_) try {
      loop_.run_until([this] { return finished_; });
      return;
    } catch (...) {
      report_escaped(std::current_exception());
    }
}

void serial_context::run_soon(std::unique_ptr<ready_call> call) {
  ready_.push_back(std::move(call));
  if (ready_.size() == 1) post([this] { run_ready(); });
}

/// Calls that become ready meanwhile run in a handler of their own.
void serial_context::run_ready() noexcept {
  for (auto& call : std::exchange(ready_, {})) try {
      std::exchange(call, nullptr)->run();
    } catch (...) {
      report_escaped(std::current_exception());
    }
}

void serial_context::wait_for_memory() noexcept {
  timespec const a_moment{0, 1'000'000};
  ::nanosleep(&a_moment, nullptr);
}

void serial_context::shut(std::function<void()> const& end, std::shared_ptr<void> owner) noexcept {
  if (!thread_.joinable()) return end();
  auto const then_finish = [this, &end] {
    end();
    post([this] { finished_ = true; });  // behind the handlers that `end` has posted
  };
  if (is_this()) {
    owner_ = std::move(owner);
    thread_.detach();
    then_finish();
  } else {
    post(then_finish);
    thread_.join();
  }
}

void serial_context::abandon() noexcept {
  if (thread_.joinable()) thread_.detach();
}

}  // namespace procx::inline v1::detail
