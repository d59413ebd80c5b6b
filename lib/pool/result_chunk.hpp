#pragma once

#include <procx/detail/pool/queue_core.hpp>
#include <procx/detail/wire/buffer.hpp>
#include <procx/detail/wire/value_series.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace procx::inline v1::detail {

/// Outcomes of items that follow each other, in their order, one behind the other in memory: before values of one length how
/// many they are and how long.
class result_chunk {
 public:
  static constexpr std::size_t full = std::size_t{64} << 10;

  bool is_full() const noexcept { return bytes_.size() >= full; }
  /// Of all that was added.
  std::size_t size() const noexcept { return bytes_.size(); }

  /// Values of at most taken_result::most_bytes each.
  void add(value_series const& values) { extend(values.length, values.count, values.bytes()); }
  void add(std::span<std::byte const> value) { extend(value.size(), 1, value); }
  void add(std::unique_ptr<held_result> result) {
    held_.push_back(std::move(result));  // first: what is counted must be there
    extend(held, 1, {});
  }
  /// Those of the other chunk behind its own.
  void add(result_chunk& other) {
    held_.reserve(held_.size() + other.held_.size());
    std::size_t const before = bytes_.size();
    bytes_.append(other.bytes_.data(), other.bytes_.size());
    if (other.last_ != none) last_ = before + other.last_;
    for (auto& result : other.held_) held_.push_back(std::move(result));
    other.clear();
  }
  /// Outcomes that follow each other: values of one length, or those that are held, which `next_held` gives.
  struct series {
    std::byte const* at = nullptr;
    std::size_t count = 0;
    std::size_t length = 0;

    bool is_held() const noexcept { return length == held; }
  };
  static constexpr std::uint32_t held = ~std::uint32_t{0};  ///< for a length

  /// The next of them; it stays where it is until `clear`. Nothing is added after the first.
  std::optional<series> next() noexcept {
    if (at_ == bytes_.size()) return std::nullopt;
    head const h = head_at(at_);
    series const s{bytes_.data() + at_ + sizeof h, h.count, h.length};
    at_ += sizeof h + (s.is_held() ? 0 : s.count * s.length);
    return s;
  }
  std::unique_ptr<held_result> next_held() noexcept { return std::move(held_[held_taken_++]); }

  void clear() noexcept {
    bytes_.clear();
    if (bytes_.capacity() > 4 * full) bytes_.release();
    held_.clear();
    at_ = held_taken_ = 0;
    last_ = none;
  }

 private:
  struct head {
    std::uint32_t count;
    std::uint32_t length;
  };
  static constexpr std::size_t none = ~std::size_t{0};

  void extend(std::size_t length, std::size_t count, std::span<std::byte const> values) {
    head h = last_ != none ? head_at(last_) : head{0, 0};
    bool const anew = h.count == 0 || h.length != length || h.count > ~std::uint32_t{0} - count;
    std::byte* to = bytes_.extend((anew ? sizeof h : 0) + values.size());
    if (anew) {
      last_ = static_cast<std::size_t>(to - bytes_.data());
      to += sizeof h;
      h = {0, static_cast<std::uint32_t>(length)};
    }
    h.count += static_cast<std::uint32_t>(count);
    std::memcpy(bytes_.data() + last_, &h, sizeof h);
    if (!values.empty()) std::memcpy(to, values.data(), values.size());
  }
  head head_at(std::size_t at) const noexcept {
    head h;
    std::memcpy(&h, bytes_.data() + at, sizeof h);
    return h;
  }

  buffer bytes_;
  std::vector<std::unique_ptr<held_result>> held_;
  std::size_t last_ = none;  // the series that was added to last
  std::size_t at_ = 0;
  std::size_t held_taken_ = 0;
};

}  // namespace procx::inline v1::detail
