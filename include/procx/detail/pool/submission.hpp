#pragma once

#include <procx/detail/system/operation.hpp>
#include <procx/detail/pool/ending_handler.hpp>
#include <procx/detail/pool/handler_home.hpp>
#include <procx/detail/dispatch/callable_table.hpp>
#include <procx/wire/codec.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace procx::inline v1::detail {

/// What is to come of a call on a pool, as a future.
template <class R>
class promised_result final : public operation {
 public:
  std::future<R> get_future() { return promise_.get_future(); }

  void complete(raw_result result) override {
    if (result.error) return promise_.set_exception(std::move(result.error));
    try {
      if constexpr (std::is_void_v<R>)
        promise_.set_value();
      else
        with_room_for<R>([&] { promise_.set_value(decode<R>(result.bytes)); });
    } catch (...) {
      promise_.set_exception(std::current_exception());
    }
  }

 private:
  std::promise<R> promise_;
};

template <class R>
struct submission_completion {
  using signature = void(std::exception_ptr, async_value<R>);
};
template <>
struct submission_completion<void> {
  using signature = void(std::exception_ptr);
};
template <class R>
using submission_signature = typename submission_completion<R>::signature;

/// A handler with its arguments, as it is posted. It has its own allocator instead of being bound to one: Asio takes what
/// `bind_allocator` gives for a handler with an executor of its own, and posts it twice.
template <class Handler, class... Arguments>
struct posted_call {
  using allocator_type = boost::asio::associated_allocator_t<Handler>;
  allocator_type get_allocator() const noexcept { return boost::asio::get_associated_allocator(handler); }

  /// The cancellation slot is cleared here: whoever emits the signal does so on the same executor.
  void operator()() {
    auto slot = boost::asio::get_associated_cancellation_slot(handler);
    if (slot.is_connected()) slot.clear();
    std::apply(std::move(handler), std::move(arguments));
  }

  Handler handler;
  std::tuple<Arguments...> arguments;
};
template <class Call>
class ready_posted_call final : public ready_call {
 public:
  explicit ready_posted_call(Call call) : call_(std::move(call)) {}
  void run() override { call_(); }

 private:
  Call call_;
};

/// A handler that is given its arguments by any thread and runs on its own executor, which has work until then, or at the home
/// of a pool or a queue, which outlives it.
template <class Handler>
class posting_handler {
 public:
  posting_handler(Handler handler, handler_home& home) : handler_(std::move(handler)), home_(home) {
    if constexpr (is_bound<Handler>)
      work_.emplace(boost::asio::get_associated_executor(handler_, boost::asio::any_io_executor()));
    else if (!home.has_thread())
      work_.emplace(home.executor_for_handlers());
  }

  template <class... Arguments>
  void post(Arguments... arguments) {
    posted_call<Handler, Arguments...> call{std::move(handler_), {std::move(arguments)...}};
    if (work_) {
      boost::asio::post(work_->get_executor(), std::move(call));
      work_.reset();
    } else if (home_.is_here()) {
      home_.run_soon(std::make_unique<ready_posted_call<decltype(call)>>(std::move(call)));
    } else {
      boost::asio::post(home_.executor_for_handlers(), std::move(call));
    }
  }

 private:
  using executor_type = boost::asio::associated_executor_t<Handler, boost::asio::any_io_executor>;

  Handler handler_;
  handler_home& home_;
  std::optional<boost::asio::executor_work_guard<executor_type>> work_;
};

/// What is to come of a call on a pool, for a completion handler.
template <class R, class Handler>
class awaited_result final : public operation {
 public:
  awaited_result(Handler handler, handler_home& home) : handler_(std::move(handler), home) {}

  void complete(raw_result result) override {
    if constexpr (std::is_void_v<R>) {
      handler_.post(std::move(result.error));
    } else {
      if (!result.error) try {
          return handler_.post(std::exception_ptr(), async_value<R>(decode<R>(result.bytes)));
        } catch (...) {
          result.error = std::current_exception();
        }
      handler_.post(std::move(result.error), async_value<R>());
    }
  }

 private:
  posting_handler<Handler> handler_;
};

/// How an operation completes that has nothing to say but what went wrong: a handler without parameters does not hear even
/// that.
template <class Token>
using ending_signature =
    std::conditional_t<std::is_invocable_v<std::decay_t<Token>&>, void(), void(std::exception_ptr)>;

/// Such a handler as a function that posts it, maybe after its pool has gone.
template <class Handler>
ending_handler posted_handler(Handler handler, handler_home const& home) {
  struct waiting {
    Handler handler;
    boost::asio::executor_work_guard<boost::asio::associated_executor_t<Handler, boost::asio::any_io_executor>> work;
  };
  auto work = boost::asio::make_work_guard(boost::asio::get_associated_executor(handler, home.executor_for_handlers()));
  auto const kept = std::make_shared<waiting>(waiting{std::move(handler), std::move(work)});
  return [kept](std::exception_ptr error) {
    constexpr bool hears = std::is_invocable_v<Handler&&, std::exception_ptr>;
    auto const executor = kept->work.get_executor();
    if constexpr (hears)
      boost::asio::post(executor, posted_call<Handler, std::exception_ptr>{std::move(kept->handler), {std::move(error)}});
    else
      boost::asio::post(executor, posted_call<Handler>{std::move(kept->handler), {}});
    kept->work.reset();
    return hears;
  };
}

}  // namespace procx::inline v1::detail
