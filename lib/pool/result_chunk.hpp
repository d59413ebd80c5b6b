#pragma once

#include <procx/pool/queue_core.hpp>
#include <procx/wire/buffer.hpp>
#include <procx/wire/frame.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace procx::inline v1::detail {

/// Outcomes of items that follow each other, in their order, one behind the other in memory: the frames that workers have
/// sent, as they came, and in between, for what is no small value, frames that say so.
class result_chunk {
 public:
  static constexpr std::size_t full = std::size_t{64} << 10;

  bool empty() const noexcept { return at_ == bytes_.size(); }
  bool is_full() const noexcept { return bytes_.size() >= full; }
  /// Of all that was added.
  std::size_t size() const noexcept { return bytes_.size(); }

  /// Values of at most taken_result::most_bytes each.
  void add(frame_series const& values) { bytes_.append(values.at, values.bytes().size()); }
  void add(std::span<std::byte const> value) { frame_writer(bytes_).add(frame_kind::value, 0, value); }
  void add(std::unique_ptr<held_result> result) {
    held_.push_back(std::move(result));  // first: what is marked must be there
    frame_writer(bytes_).add(held_mark, 0);
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
    std::uint64_t const first = frame_header::first_word(bytes_.data() + at_);
    at_ += frame_header::size;
    if (frame_header::kind_in(first) == held_mark) [[unlikely]] return take_held(to);
    if (to.held) [[unlikely]] to.let_go();
    std::size_t const length = first & frame_header::max_length;
    to.length = length;
    copy_old_bytes(to.bytes.data(), bytes_.data() + at_, length);
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
  static constexpr frame_kind held_mark = frame_kind::exception;

  [[gnu::noinline]] std::size_t take_held(taken_result& to) noexcept {
    to.held = std::move(held_[held_taken_++]);
    return to.held->bytes.size() + to.held->block_bytes;
  }

  buffer bytes_;
  std::vector<std::unique_ptr<held_result>> held_;
  std::size_t at_ = 0;
  std::size_t held_taken_ = 0;
};

}  // namespace procx::inline v1::detail
