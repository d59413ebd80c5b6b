#pragma once

#include <procx/detail/pool/submission.hpp>
#include <procx/detail/pool/taken_result.hpp>
#include <procx/wire/codec.hpp>

#include <exception>
#include <optional>
#include <utility>

namespace procx::inline v1::detail {

/// A completion handler that waits for an outcome.
template <class R, class Handler>
class awaited_outcome final : public result_receiver {
 public:
  awaited_outcome(Handler handler, handler_home& home) : handler_(std::move(handler), home) {}

  void complete(std::exception_ptr error, taken_result const* result) override {
    std::optional<R> value;
    if (!error && result) error = result->error();
    if (!error && result) try {
        with_room_for<R>([&] { value.emplace(decode<R>(result->value())); });
      } catch (...) {
        error = std::current_exception();
      }
    handler_.post(std::move(error), std::move(value));
  }

 private:
  posting_handler<Handler> handler_;
};

}  // namespace procx::inline v1::detail
