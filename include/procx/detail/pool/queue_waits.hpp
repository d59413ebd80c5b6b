#pragma once

#include <procx/detail/memory/slab.hpp>
#include <procx/detail/pool/queue_core.hpp>
#include <procx/detail/pool/submission.hpp>
#include <procx/detail/system/from_now.hpp>
#include <procx/detail/wire/buffer.hpp>
#include <procx/wire/codec.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <optional>
#include <utility>

namespace procx::inline v1::detail {

/// An item with bytes of its own, for a put that does not happen at once. It takes what the item has in shared memory.
class stored_item {
 public:
  explicit stored_item(queue_item const& item) : item_(item) {
    bytes_.reserve(item.bytes.size() + copy_padding);
    bytes_.append(item.bytes.data(), item.bytes.size());
    if (item.slabs) slabs_ = std::exchange(*item.slabs, slab_sink());
  }

  /// Valid until this object moves.
  queue_item const& operator*() noexcept {
    item_.bytes = bytes_;
    item_.slabs = &slabs_;
    return item_;
  }

 private:
  buffer bytes_;
  slab_sink slabs_;
  queue_item item_;
};

/// A completion handler that waits for an outcome.
template <class R, class Handler>
class awaited_outcome final : public result_receiver {
 public:
  awaited_outcome(Handler handler, boost::asio::any_io_executor const& otherwise)
      : handler_(std::move(handler), otherwise) {}

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
  handler_at_home<Handler> handler_;
};

}  // namespace procx::inline v1::detail
