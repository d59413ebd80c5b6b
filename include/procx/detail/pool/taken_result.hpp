#pragma once

#include <procx/detail/dispatch/held_result.hpp>
#include <procx/detail/wire/blocks.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <utility>

namespace procx::inline v1::detail {

/// An outcome that has left a queue, still as bytes.
class taken_result {
 public:
  /// Longer ones are held.
  static constexpr std::size_t most_bytes = 1024;

  /// Which item it was, from 0 in the order they were put.
  std::uint64_t index = 0;
  std::array<std::byte, most_bytes> bytes;
  std::size_t length = 0;
  std::unique_ptr<held_result> held;

  taken_result() noexcept {}  // the bytes are written when they are known
  taken_result(taken_result&&) noexcept = default;
  taken_result& operator=(taken_result&&) noexcept = default;
  ~taken_result() {
    if (held) [[unlikely]] reset();
  }
  /// Frees what is held.
  void reset() noexcept;

  std::exception_ptr error() const noexcept { return held ? held->error : nullptr; }
  encoded_value value() const noexcept {
    if (!held) return std::span(bytes).first(length);
    return held->value();
  }
};

/// A consumer that waits for an outcome asynchronously. Completed exactly once, by any thread.
class result_receiver {
 public:
  virtual ~result_receiver() = default;
  /// With what the operation has failed with; with a result; or with neither, at the end of the queue.
  virtual void complete(std::exception_ptr error, taken_result const* result) = 0;
};

inline void fail(result_receiver& receiver, std::exception_ptr error) { receiver.complete(std::move(error), nullptr); }

}  // namespace procx::inline v1::detail
