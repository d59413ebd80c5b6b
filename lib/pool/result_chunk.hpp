#pragma once

#include <procx/pool/queue_core.hpp>
#include <procx/wire/buffer.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace procx::inline v1::detail {

/// Outcomes of items that follow each other, in their order, one behind the other in memory: what one processor writes and
/// another reads is to take few cache lines.
class result_chunk {
 public:
  static constexpr std::size_t full = std::size_t{64} << 10;

  bool empty() const noexcept { return at_ == bytes_.size(); }
  bool is_full() const noexcept { return bytes_.size() >= full; }
  /// Of all that was added.
  std::size_t size() const noexcept { return bytes_.size(); }

  /// At most taken_result::most_bytes.
  void add(std::span<std::byte const> result) {
    auto const length = static_cast<std::uint32_t>(result.size());
    std::byte* const at = bytes_.extend(sizeof length + result.size());
    std::memcpy(at, &length, sizeof length);
    copy_bytes(at + sizeof length, result.data(), length);
  }
  void add(std::unique_ptr<held_result> result) {
    held_.push_back(std::move(result));  // first: what is marked must be there
    bytes_.append(&held_mark, sizeof held_mark);
  }
  /// Those of the other chunk, of which nothing was taken, behind its own.
  void add(result_chunk& other) {
    held_.reserve(held_.size() + other.held_.size());
    bytes_.append(other.bytes_.data(), other.bytes_.size());
    for (auto& held : other.held_) held_.push_back(std::move(held));
    other.clear();
  }
  /// The next one, but for its index; how many bytes it has.
  std::size_t take(taken_result& to) noexcept {
    std::uint32_t length = 0;
    std::memcpy(&length, bytes_.data() + at_, sizeof length);
    at_ += sizeof length;
    if (length == held_mark) [[unlikely]] {
      to.held = std::move(held_[held_taken_++]);
      return to.held->bytes.size() + to.held->block_bytes;
    }
    if (to.held) to.held.reset();
    to.length = length;
    copy_bytes(to.bytes.data(), bytes_.data() + at_, length);
    at_ += length;
    return length;
  }
  void clear() noexcept {
    bytes_.clear();
    if (bytes_.capacity() > 4 * full) bytes_.release();
    held_.clear();
    at_ = held_taken_ = 0;
  }

 private:
  static constexpr std::uint32_t held_mark = ~std::uint32_t{0};

  buffer bytes_;
  std::vector<std::unique_ptr<held_result>> held_;
  std::size_t at_ = 0;
  std::size_t held_taken_ = 0;
};

}  // namespace procx::inline v1::detail
