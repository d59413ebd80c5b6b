#pragma once

#include <procx/version.hpp>

#include <procx/channel/channel.hpp>
#include <procx/channel/start_options.hpp>
#include <procx/wire/codec.hpp>
#include <procx/wire/travel.hpp>

#include <functional>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace procx::inline v1 {

namespace detail {

/// What a new process is to run, for compiled code: in a copy of this process by `run`, elsewhere by what travels.
struct launch_plan {
  std::function<void(channel&)> run;
  std::optional<traveller> travels;  ///< none: the callable must be there before the process is made
};

/// Whether these options may lead to a process that is no copy of this one.
bool may_leave_this_image(start_options const& options);

channel start_process(start_options const& options, std::optional<boost::asio::any_io_executor> executor,
                      launch_plan const& what);

/// In the process where it arrives: takes the callable and its arguments apart, and calls it with its channel first.
template <class F, class... Args>
void run_travelled(input_archive& in, void* context) {
  auto fn = receive_callable<F>(in);
  auto arguments = detail::make<std::tuple<Args...>>(in);
  std::apply([&](Args&... a) { std::invoke(fn, *static_cast<channel*>(context), std::move(a)...); }, arguments);
}

template <class F, class... Args>
channel start_with(start_options const& options, std::optional<boost::asio::any_io_executor> executor, F& fn,
                   Args&... args) {
  launch_plan what;
  what.run = [&](channel& up) { std::invoke(fn, up, args...); };
  constexpr bool fits_what_is_sent = std::is_invocable_v<F&, channel&, sent_type<Args>...>;  // not a pointer to text
  if constexpr (travels<F> && fits_what_is_sent &&
                ((travels_as_argument<Args> && is_encodable<sent_type<Args>> &&
                  std::is_constructible_v<sent_type<Args>, Args&>) &&
                 ...)) {
    if (options.method != start_method::fork && may_leave_this_image(options))
      what.travels = pack(&run_travelled<F, sent_type<Args>...>, fn, std::tuple<sent_type<Args>...>(args...));
  }
  return start_process(options, std::move(executor), what);
}

/// Whether `start` can be called with these: a callable that takes its channel and the arguments behind it, and perhaps an
/// executor and options before it.
template <class First, class... More>
consteval bool can_be_started() {
  if constexpr (std::is_invocable_v<First&, channel&, More&...>)
    return true;
  else if constexpr (sizeof...(More) > 0 && (std::is_same_v<First, start_options> || has_executor<First&>))
    return can_be_started<More...>();
  else
    return false;
}
template <class F, class... Args>
struct takes_no_channel {
  static_assert(std::is_invocable_v<F&, channel&, Args&...>,
                "procx: the callable is to be called with a px::channel& first, then the arguments; let it take one: "
                "[](px::channel& up) { up.send(1); }, or give one that knows nothing of channels to a px::process_pool, or wrap "
                "it by px::make_parallel");
};

}  // namespace detail

/// Creates a process in which the callable is called with its end of a channel first, then the arguments.
///
/// Whatever the callable and its arguments are, nothing is serialized if the process is forked: it finds them as they
/// are here. What the callable returns is ignored; what it throws arrives at `receive` as remote_exception, and the
/// process exits with 1. When the callable returns, the channel ends. An `end_of_channel` that escapes the callable is
/// an orderly way to end, with exit code 0: the creating side has gone.
///
/// Throws `boost::system::system_error` if the system has no room for another process or its descriptors.
/// Cost: a fork, 0.2 ms for a small program, growing with its memory; see `start_nursery`.
template <class F, class... Args>
  requires std::invocable<F&, channel&, Args&...>
channel start(start_options const& options, F fn, Args... args) {
  return detail::start_with(options, std::nullopt, fn, args...);
}
template <class F, class... Args>
  requires std::invocable<F&, channel&, Args&...>
channel start(F fn, Args... args) {
  return detail::start_with(start_options{}, std::nullopt, fn, args...);
}

/// The same; asynchronous operations of the channel run on the executor, or that of the context, which must outlive it. It
/// is to run one handler at a time, and the channel to be used there: an io_context that one thread runs, or a strand.
template <detail::has_executor Executor, class F, class... Args>
  requires std::invocable<F&, channel&, Args&...>
channel start(Executor&& executor, F fn, Args... args) {
  return detail::start_with(start_options{}, detail::executor_of(std::forward<Executor>(executor)), fn, args...);
}
template <detail::has_executor Executor, class F, class... Args>
  requires std::invocable<F&, channel&, Args&...>
channel start(Executor&& executor, start_options const& options, F fn, Args... args) {
  return detail::start_with(options, detail::executor_of(std::forward<Executor>(executor)), fn, args...);
}

/// What cannot be started: the compiler says so.
template <class... Args>
  requires(sizeof...(Args) > 0 && !detail::can_be_started<std::decay_t<Args>...>())
channel start(Args&&...) {
  (void)sizeof(detail::takes_no_channel<std::decay_t<Args>...>);
  return {};
}

/// As `start`, in a clean image of this program: a new process in which nothing of this one's memory is left but the
/// callable and its arguments, which must be able to travel. Static objects are initialized there as at the program's
/// start; main does not run. Throws std::invalid_argument if the callable, or procx, is in a shared library and not in the
/// program; EPERM as `boost::system::system_error` if the program has more rights than its caller (set-user-id). Cost: 1 to
/// 3 ms, whatever this program's size.
template <class F, class... Args>
channel start_clean(F fn, Args... args) {
  if constexpr (!std::is_invocable_v<F&, channel&, Args&...>)
    return (void)sizeof(detail::takes_no_channel<F, Args...>), channel();
  else if constexpr (!detail::travels<F>)
    return (void)sizeof(detail::complaint_about_callable<F>), channel();
  else
    return detail::start_with(start_options{.method = start_method::exec}, std::nullopt, fn, args...);
}

/// Forks a nursery: from now on, callables that can travel are run by processes forked from it, in a fraction of a
/// millisecond however large this process has grown and however many threads it has. They see static objects as they are
/// now. To be called first in main, before there are threads; a second call does nothing. It ends with this process.
void start_nursery();

/// Creates a process that goes on from here, as fork() does: both sides come back, the created one with `pid()` 0.
/// Always forks directly. The created process should end by `px::exit`.
channel create(start_options const& options = {});

/// Ends a created process: the channel ends in good order, what it has buffered in streams is written, and no exit handlers
/// or destructors run.
[[noreturn]] void exit(channel& up, int code = 0);

}  // namespace procx::inline v1
