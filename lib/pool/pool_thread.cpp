#include "pool/pool_thread.hpp"

#include "process/fork.hpp"

#include <procx/error/exceptions.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>

#include <csignal>

namespace procx::inline v1::detail {
namespace {

event_loop make_loop(std::optional<boost::asio::any_io_executor> const& executor) {
  return executor ? event_loop(boost::asio::make_strand(*executor)) : event_loop();
}

/// The signals of the program are for its own threads.
class all_signals_blocked {
 public:
  all_signals_blocked() noexcept {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~all_signals_blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

constinit thread_local pool_thread const* pool_thread::current = nullptr;

pool_thread::pool_thread(std::optional<boost::asio::any_io_executor> const& executor) : loop_(make_loop(executor)) {}

void pool_thread::refuse() {
  throw error(errc::foreign_process, "the pool belongs to another process, which this is a fork of");
}

void pool_thread::refuse_to_wait() {
  throw sequence_error("this handler runs on the pool's own thread, which cannot wait for itself: bind it to an executor");
}

void pool_thread::start() {
  if (!is_private()) return;
  work_.emplace(executor());
  all_signals_blocked const none_for_us;
  thread_ = std::thread([this] {
    current = this;
    this_thread_outlives_processes();  // they are gone when `shut` lets it end
    loop_.run_until([this] { return finished_; });
  });
}

void pool_thread::shut(std::function<void()> const& end) noexcept {
  if (!thread_.joinable()) return end();
  boost::asio::post(executor(), [&] {
    end();
    boost::asio::post(executor(), [this] { finished_ = true; });  // behind the handlers that `end` has posted
  });
  thread_.join();
}

void pool_thread::abandon() noexcept {
  if (thread_.joinable()) thread_.detach();
}

}  // namespace procx::inline v1::detail
