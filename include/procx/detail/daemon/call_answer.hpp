#pragma once

#include <procx/detail/dispatch/callable_table.hpp>
#include <procx/detail/pool/submission.hpp>
#include <procx/detail/system/operation.hpp>
#include <procx/wire/portable.hpp>

#include <atomic>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

// What becomes of the answer to a call of a daemon.
namespace procx::inline v1::detail {

/// The value that the bytes are. Of a function that returns nothing there are bytes too.
template <class R>
result_type<R> decode_answer(encoded_value const& value) {
  return with_room_for<result_type<R>>([&] { return decode_portable<result_type<R>>(value.bytes); });
}

/// Where a thread finds the answer that it waits for.
template <class R>
struct answer_slot {
  std::atomic<bool> done = false;
  std::optional<result_type<R>> value = {};  ///< once done, this …
  std::exception_ptr error = nullptr;        ///< … or this
};

template <class R>
class slot_operation final : public operation {
 public:
  explicit slot_operation(std::shared_ptr<answer_slot<R>> slot) noexcept : slot_(std::move(slot)) {}

  void complete(raw_result result) override {
    slot_->error = std::move(result.error);
    if (!slot_->error) slot_->error = failure_of([&] { slot_->value.emplace(decode_answer<R>(result.bytes)); });
    slot_->done.store(true, std::memory_order_release);
  }

 private:
  std::shared_ptr<answer_slot<R>> slot_;
};

/// A completion handler that waits for the answer.
template <class R, class Handler>
class awaited_answer final : public operation {
 public:
  awaited_answer(Handler handler, handler_home& home) : handler_(std::move(handler), home) {}

  void complete(raw_result result) override {
    std::optional<result_type<R>> value;
    if (!result.error) result.error = failure_of([&] { value.emplace(decode_answer<R>(result.bytes)); });
    if constexpr (std::is_void_v<R>)
      handler_.post(std::move(result.error));
    else if constexpr (std::is_default_constructible_v<R>)
      handler_.post(std::move(result.error), value ? std::move(*value) : R());
    else
      handler_.post(std::move(result.error), std::move(value));
  }

 private:
  posting_handler<Handler> handler_;
};

}  // namespace procx::inline v1::detail
