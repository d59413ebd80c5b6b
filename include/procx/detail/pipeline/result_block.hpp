#pragma once

#include <procx/detail/wire/buffer.hpp>
#include <procx/detail/wire/value_series.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <span>
#include <utility>
#include <vector>

namespace procx::inline v1::detail {

/// Results of a pipeline one behind the other, each behind its length.
struct result_block {
  static constexpr std::uint64_t is_error = ~std::uint64_t{0};  ///< instead of a length: the next of `errors`

  buffer bytes;
  std::size_t at = 0;     ///< what is before was read
  std::size_t count = 0;  ///< results that were not read
  std::vector<std::exception_ptr> errors = {};
  std::size_t errors_at = 0;  ///< likewise

  bool empty() const noexcept { return count == 0; }
  void add(value_series const& values) {
    std::uint64_t const length = values.length;
    std::byte* to = bytes.extend(values.count * (sizeof length + values.length));
    for (std::size_t i = 0; i < values.count; ++i, to += sizeof length + values.length) {
      std::memcpy(to, &length, sizeof length);
      copy_bytes(to + sizeof length, values.at + i * values.length, values.length);
    }
    count += values.count;
  }
  void add(std::exception_ptr error) {
    errors.push_back(std::move(error));
    bytes.append(&is_error, sizeof is_error);
    ++count;
  }
  /// The next one, which is there: its bytes, or an error.
  std::span<std::byte const> take(std::exception_ptr& error) {
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data() + at, sizeof length);
    at += sizeof length;
    --count;
    if (length == is_error) {
      error = std::move(errors[errors_at++]);
      return {};
    }
    std::span<std::byte const> const value(bytes.data() + at, static_cast<std::size_t>(length));
    at += value.size();
    return value;
  }
};

/// An asynchronous operation that waits for one result of a pipeline. It is completed exactly once, by any thread.
class result_taker {
 public:
  virtual ~result_taker() = default;
  /// With what an item or the operation has failed with; with a result; or with neither, at the end.
  virtual void complete(std::exception_ptr error, std::span<std::byte const> const* value) = 0;
};

inline void fail(result_taker& taker, std::exception_ptr error) { taker.complete(std::move(error), nullptr); }

}  // namespace procx::inline v1::detail
