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

/// Returns the id of the background process once it listens.
pid_t start_background(std::filesystem::path const& address, background_options const& options,
                       std::function<void(channel&)> const& body);

template <class F, class... Args>
struct cannot_run_in_background {
  static_assert(std::is_invocable_v<F&, channel&, Args&...>,
                "procx: what runs in the background is to be called with a px::channel& first, then the arguments; wrap a "
                "function that knows nothing of channels by px::make_parallel");
};

}  // namespace detail

/// A callable whose calls run in a process of their own that outlives this one, and is met again at the path of a UNIX
/// socket: see `background_queue` and `persistent_queue`.
///
/// A call returns when that process listens. It computes from then on, whether or not anybody is connected, and keeps what
/// the callable sends (one value for what `make_parallel` gives) until a client has taken it: in memory, then in a file. A
/// client that leaves half-way loses nothing: the next one gets what was not acknowledged, in order. What the callable
/// throws, and a crash of it, are results too. When all is taken the process removes the socket and ends. SIGTERM and SIGINT
/// end it before, and the callable; what was not taken is lost.
///
/// It runs in a session of its own, without a terminal, in the folder `/`, with the umask 077; standard input is empty,
/// standard output and error go to the file ADDRESS.log, which is removed at the end if nothing is in it. ADDRESS.lock is held
/// while it lives: the socket of one that was killed is replaced. Only processes of the same user, and root's, are answered.
/// Descriptors of this program's own are inherited, and stay open as long as it lives.
///
/// Not thread-safe on one object. Destroying it changes nothing for the processes that it has started.
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

  /// Starts the process, and returns its id once it listens. Nothing is serialized: it is a copy of this one.
  ///
  /// Throws connection_error if somebody lives at the address or something else than a socket is there; process_died, with
  /// the exit status and the end of the log, if the process ends before it listens; `boost::system::system_error` if the
  /// system has no room for it. Cost: three forks.
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
