#pragma once

#include <procx/version.hpp>

#include <procx/channel/channel.hpp>
#include <procx/channel/start_options.hpp>
#include <procx/error/outcome.hpp>
#include <procx/detail/exchange/job.hpp>
#include <procx/process/worker_count.hpp>
#include <procx/process/worker_limits.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace procx::inline v1 {

/// How an exchange goes about it.
struct exchange_options {
  /// How many processes there may be at a time; none: as many as are started. With `reuse`, none means one a core.
  std::optional<worker_count> limit = std::nullopt;
  /// A process that has given its result gets the next parameters, instead of ending.
  bool reuse = false;
  /// A channel stays after its first value, and may send more until it closes. Not together with `reuse`.
  bool continuous = false;
  /// A channel that has ended leaves the exchange by itself; otherwise `ready` reports it until it is removed.
  bool autoclose = true;
  /// How often a task that was started here and fails is tried again, in another process: so often after exceptions, and
  /// so often after deaths of its process. Not if `continuous`, nor for those whose channels are `ready`: what they sent was
  /// seen.
  unsigned retries = 0;
  /// How long to wait before a task is tried again: twice as long after each failure, at most 64 times; 0: not at all.
  std::chrono::nanoseconds backoff{0};
  /// What one task may take, from when it begins to run; 0: as long as it likes. Checked every 10 ms.
  std::chrono::nanoseconds task_timeout{0};
  /// A process that is to be killed gets SIGTERM, and SIGKILL if it is still there after so long; 0: SIGKILL at once.
  std::chrono::nanoseconds grace = std::chrono::seconds(1);
  /// What a process may use, in bytes beyond what it has at its start; 0: anything. An allocation that would exceed it
  /// fails (`std::bad_alloc` in the task); a process in which more is resident nevertheless is killed.
  std::size_t memory_limit = 0;
  /// Priority, processors, resources of the processes; with `reuse`, for how long each is kept. Control groups are for
  /// callables without a channel that are reused.
  worker_limits limits = {};
  /// How the processes and their channels are made.
  start_options start = {};
};

namespace detail {
class exchange_core;
}

template <class F>
class managed_callable;

/// Many channels and one place to wait for all of them; and who starts processes, so many at a time.
///
/// Raw, it tells which channels are `ready`. A subclass that overrides `store_data` says what is to be done with what
/// arrives, and `finish` does all that is left to do. `queue` and `map` are such subclasses, ready-made.
///
/// On a private loop (no executor given) it works while the caller waits in one of its functions. On the user's
/// executor it works by itself, the waiting functions throw sequence_error, and `async_finish` waits. A process or
/// callable that fails makes `receive` throw in `store_data`; what escapes from there comes out of the waiting function,
/// one at a time, after which the exchange goes on as if nothing had happened.
///
/// Not thread-safe; on an executor everything happens on it, so that must run one handler at a time, and the exchange be
/// used there: an io_context that one thread runs, or a strand. If it is destroyed with work under way, its processes are
/// killed and reaped. Cost: one epoll set, three descriptors in it for each channel.
class exchange {
 public:
  using channel_list = std::vector<std::reference_wrapper<channel>>;

  explicit exchange(exchange_options const& options = {});
  // Templates, so that `{.limit = 3}` can only mean options.
  template <std::same_as<std::vector<channel>> Channels>
  explicit exchange(Channels channels, exchange_options const& options = {}) : exchange(options) {
    for (channel& ch : channels) add(std::move(ch));
  }
  template <detail::has_executor Executor>
  explicit exchange(Executor&& executor, exchange_options const& options = {})
      : exchange(private_tag(), detail::executor_of(std::forward<Executor>(executor)), options) {}
  exchange(exchange const&) = delete;
  exchange& operator=(exchange const&) = delete;
  virtual ~exchange();

  /// Watches one more channel, whatever the limit; its owner is the exchange from now on. Asynchronous operations under way
  /// on the channel end with operation_aborted.
  channel& add(channel ch);
  /// The same, after waiting for room.
  channel& add_wait(channel ch);
  /// Stops watching the channel and gives it back. Throws std::invalid_argument if it is not watched, or that of a worker that
  /// is reused.
  channel remove(channel& ch);

  /// The channels watched; with `reuse`, those of workers that are at work or have something to receive as well.
  channel_list active() const;
  /// The channels that have left at the last call of `ready`, because they had ended. Workers that are reused stay.
  channel_list removed() const;
  /// Tasks that were started and have no process as yet.
  std::size_t waiting() const;
  /// Whether anything is watched or waits to be started, or has escaped from `store_data` and is still to be thrown.
  bool unfinished() const;
  /// Whether there are as many processes as there may be.
  bool busy() const;

  /// Waits until something can be received from at least one channel, and says from which: a value, an exception, or
  /// the news that the process has died. Empty if time runs out or nothing is watched. With `reuse`, of each worker one result
  /// at a time can be received.
  channel_list ready(std::optional<std::chrono::nanoseconds> timeout = std::nullopt);

  /// Waits until there is room for another process.
  void wait();
  /// Waits for something to arrive and stores it; false if time runs out first, or nothing is unfinished.
  bool store(std::optional<std::chrono::nanoseconds> timeout = std::nullopt);
  /// Stores until nothing is unfinished.
  void finish();
  /// Starts tasks that wait, as many as there is room for. The other functions do so by themselves.
  void start_waiting();

  /// Starts a process for the callable, or has it wait its turn; never blocks. The callable gets its channel first, then
  /// the arguments. Throws system_error if no process can be created and none is there whose end could be waited for.
  template <class F, class... Args>
  void start(F fn, Args... args) {
    submit(detail::shared_callable<F>(std::move(fn)).with(std::move(args)...));
  }

  /// A callable that starts the given one in this exchange each time it is called. The exchange must outlive it.
  template <class F>
  managed_callable<F> manage(F fn) {
    return managed_callable<F>(*this, std::move(fn));
  }

  /// Waits for room, and creates a process that goes on from here: the channel in that process, empty in this one.
  std::optional<channel> create();

  /// Completes when nothing is unfinished any more: `void(std::exception_ptr)`, the first that escaped `store_data`
  /// since the last time, or errc::no_executor. One at a time; cancellation stops the waiting and nothing else.
  template <class Token>
  auto async_finish(Token&& token) {
    return boost::asio::async_initiate<Token, void(std::exception_ptr)>(
        [this](auto handler) {
          this->begin_wait(std::move(handler), true, [](detail::raw_result r, auto done) { done(r.error); });
        },
        token);
  }

 protected:
  /// Something can be received from this channel: the one value for which it was reported, or an exception.
  virtual void store_data(channel& from);
  /// The channel has ended in good order without a value, where one was expected.
  virtual void store_end(channel& from);
  /// Whether somebody who waits for a result can have one.
  virtual bool has_result() const { return false; }

  /// The number of the task that the channel belongs to, counted from 0 in the order of starting.
  std::size_t index_of(channel const& from) const noexcept;
  /// How many tasks were started or channels added.
  std::size_t started() const noexcept;
  exchange_options const& options() const noexcept;
  /// Waits until `has_result` or nothing is unfinished.
  void wait_for_result();

  /// Why there is no result from a channel that ended without one.
  static std::exception_ptr no_result(channel& from);

  /// Waits until `has_result` or nothing is unfinished, and hands over what `take` then gives (an `outcome<T>*`).
  template <class T, class Take, class Token>
  auto async_take(Take take, Token&& token) {
    return boost::asio::async_initiate<Token, void(std::exception_ptr, std::optional<T>)>(
        [this](auto handler, Take take_one) {
          this->begin_wait(std::move(handler), false, [take_one](detail::raw_result r, auto done) {
            outcome<T>* const next = r.error ? nullptr : take_one();
            if (next && *next)
              done(std::exception_ptr(), std::optional<T>(std::move(**next)));
            else
              done(next ? next->error() : r.error, std::optional<T>());
          });
        },
        token, std::move(take));
  }

  template <class Handler, class Finish>
  void begin_wait(Handler handler, bool for_all, Finish finish) {
    auto op = detail::make_operation(std::move(handler), std::move(finish), executor_for_handlers());
    auto const slot = op->slot();
    detail::begin_operation<detail::operation>(
        std::move(op), slot, [&](auto& begun) { return start_wait(std::move(begun), for_all); },
        [core = weak()](std::uint64_t id, boost::asio::cancellation_type) { cancel_wait(core, id); });
  }

 private:
  struct private_tag {};
  exchange(private_tag, std::optional<boost::asio::any_io_executor> executor, exchange_options const& options);

  template <class F>
  friend class managed_callable;
  friend class detail::exchange_core;

  detail::exchange_core& core() const;
  void submit(std::unique_ptr<detail::job> task);
  boost::asio::any_io_executor executor_for_handlers() const;
  std::uint64_t start_wait(std::unique_ptr<detail::operation>&& op, bool for_all);
  std::weak_ptr<detail::exchange_core> weak() const;
  static void cancel_wait(std::weak_ptr<detail::exchange_core> const& core, std::uint64_t id);

  std::shared_ptr<detail::exchange_core> core_;
};

/// A callable that is run by an exchange whenever it is called; see `exchange::manage`.
template <class F>
class managed_callable {
 public:
  managed_callable(exchange& owner, F fn) : owner_(owner), callable_(std::move(fn)) {}

  template <class... Args>
  void operator()(Args... args) const {
    owner_.submit(callable_.with(std::move(args)...));
  }

 private:
  exchange& owner_;
  detail::shared_callable<F> callable_;
};

}  // namespace procx::inline v1
