#pragma once

#include <procx/pool/queue_core.hpp>
#include <procx/wire/buffer.hpp>
#include <procx/wire/value_series.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace procx::inline v1::detail {

/// Outcomes of items that follow each other, in their order, one behind the other in memory: before values of one length how
/// many they are and how long. All are added before the first is taken.
class result_chunk {
 public:
  static constexpr std::size_t full = std::size_t{64} << 10;

  bool empty() const noexcept { return left_ == 0 && at_ == bytes_.size(); }
  bool is_full() const noexcept { return bytes_.size() >= full; }
  /// Of all that was added.
  std::size_t size() const noexcept { return bytes_.size(); }

  /// Values of at most taken_result::most_bytes each.
  void add(value_series const& values) { extend(values.length, values.count, values.bytes()); }
  void add(std::span<std::byte const> value) { extend(value.size(), 1, value); }
  void add(std::unique_ptr<held_result> result) {
    held_.push_back(std::move(result));  // first: what is counted must be there
    extend(is_held, 1, {});
  }
  /// Those of the other chunk behind its own.
  void add(result_chunk& other) {
    held_.reserve(held_.size() + other.held_.size());
    std::size_t const before = bytes_.size();
    bytes_.append(other.bytes_.data(), other.bytes_.size());
    if (other.last_ != none) last_ = before + other.last_;
    for (auto& held : other.held_) held_.push_back(std::move(held));
    other.clear();
  }
  /// The next one, but for its index; how many bytes it has.
  std::size_t take(taken_result& to) noexcept {
    if (left_ == 0) [[unlikely]] begin_series();
    --left_;
    if (length_ == is_held) [[unlikely]] return take_held(to);
    if (to.held) [[unlikely]] to.let_go();
    to.length = length_;
    copy_old_bytes(to.bytes.data(), bytes_.data() + at_, length_);
    at_ += length_;
    return length_;
  }
  void clear() noexcept {
    bytes_.clear();
    if (bytes_.capacity() > 4 * full) bytes_.release();
    held_.clear();
    at_ = left_ = held_taken_ = 0;
    last_ = none;
  }

 private:
  struct series {
    std::uint32_t count;
    std::uint32_t length;
  };
  static constexpr std::uint32_t is_held = ~std::uint32_t{0};  // for a length
  static constexpr std::size_t none = ~std::size_t{0};

  void extend(std::size_t length, std::size_t count, std::span<std::byte const> values) {
    series s = last_ != none ? series_at(last_) : series{0, 0};
    bool const anew = s.count == 0 || s.length != length || s.count > ~std::uint32_t{0} - count;
    std::byte* to = bytes_.extend((anew ? sizeof s : 0) + values.size());
    if (anew) {
      last_ = static_cast<std::size_t>(to - bytes_.data());
      to += sizeof s;
      s = {0, static_cast<std::uint32_t>(length)};
    }
    s.count += static_cast<std::uint32_t>(count);
    std::memcpy(bytes_.data() + last_, &s, sizeof s);
    if (!values.empty()) std::memcpy(to, values.data(), values.size());
  }
  series series_at(std::size_t at) const noexcept {
    series s;
    std::memcpy(&s, bytes_.data() + at, sizeof s);
    return s;
  }
  void begin_series() noexcept {
    series const s = series_at(at_);
    at_ += sizeof s;
    left_ = s.count;
    length_ = s.length;
  }
  [[gnu::noinline]] std::size_t take_held(taken_result& to) noexcept {
    to.held = std::move(held_[held_taken_++]);
    return to.held->bytes.size() + to.held->block_bytes;
  }

  buffer bytes_;
  std::vector<std::unique_ptr<held_result>> held_;
  std::size_t last_ = none;  // the series that was added to last
  std::size_t at_ = 0;
  std::size_t left_ = 0;  // of the series that was begun
  std::size_t length_ = 0;
  std::size_t held_taken_ = 0;
};

}  // namespace procx::inline v1::detail
