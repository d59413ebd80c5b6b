#pragma once

#include <procx/version.hpp>

#include <procx/background/background_options.hpp>
#include <procx/channel/channel.hpp>
#include <procx/exchange/make_parallel.hpp>

#include <concepts>
#include <filesystem>
#include <functional>
#include <type_traits>
#include <utility>

#include <sys/types.h>

namespace procx::inline v1 {

namespace detail {

/// Starts a background process that runs the body. Returns its id as soon as it listens.
pid_t start_background(std::filesystem::path const& address, background_options const& options,
                       std::function<void(channel&)> const& body);

template <class F, class... Args>
struct cannot_run_in_background {
  static_assert(std::is_invocable_v<F&, channel&, Args&...>,
                "procx: what runs in the background is to be called with a px::channel& first, then the arguments; wrap a "
                "function that knows nothing of channels by px::make_parallel");
};

}  // namespace detail

/// A callable that runs in a background process: detached, alive after this program has ended, and found again at the path
/// of a UNIX socket. See `background_queue` and `persistent_queue` for collecting the results, docs/daemons.md for the details.
///
/// The callable runs at once, whether or not a client is connected. The process keeps every result until a client has
/// acknowledged it: each value that the callable sends (`make_parallel` sends one), the exception that it throws, and its
/// crash. When all results are acknowledged, the process removes its socket and ends. SIGTERM or SIGINT ends it earlier; then
/// untaken results are lost.
///
/// The process has its own session, no terminal, the working folder `/`, the umask 077 and an empty standard input. Standard
/// output and error go to the file ADDRESS.log, which is removed at the end if it is empty. The file ADDRESS.lock is locked
/// while the process lives, so that the socket of a killed process can be recognized and replaced. Only clients of the
/// same user, or root, are served. Descriptors that the program has open stay open in the process.
///
/// Not thread-safe on one object. The destructor does not affect processes that were started.
/// \code
/// px::background_callable job("/run/user/1000/squares.sock", px::make_parallel([](int n) { return n * n; }));
/// job(7);
/// // in any program, later:
/// for (int r : px::background_queue<int>("/run/user/1000/squares.sock")) std::cout << r << '\n';
/// \endcode
template <class F>
class background_callable {
 public:
  background_callable(std::filesystem::path address, F fn, background_options const& options = {})
      : address_(std::move(address)), fn_(std::move(fn)), options_(options) {}

  /// Starts the process and returns its id as soon as it listens. Nothing is serialized: the process is a copy of this one.
  ///
  /// Throws connection_error if another process listens at the address, if the path names a file that is not a socket, or
  /// if files cannot be created there; process_died, with the exit status and the end of the log, if the process ends
  /// before it listens; `boost::system::system_error` if the system has no room for a process. Cannot be cancelled. Waits up
  /// to 5 s while another process at the address is starting or ending. Cost: three forks.
  template <class... Args>
  pid_t operator()(Args... args) {
    if constexpr (std::is_invocable_v<F&, channel&, Args&...>)
      return detail::start_background(address_, options_, [&](channel& up) { std::invoke(fn_, up, args...); });
    else
      return (void)sizeof(detail::cannot_run_in_background<F, Args...>), 0;
  }

  std::filesystem::path const& address() const noexcept { return address_; }

 private:
  std::filesystem::path address_;
  F fn_;
  background_options options_;
};

}  // namespace procx::inline v1
